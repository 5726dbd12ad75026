"""Everything that touched a session, and why it is in its state."""
