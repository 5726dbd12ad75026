"""Bring in the sessions of the reference stacks: old rows read strictly, written once."""
