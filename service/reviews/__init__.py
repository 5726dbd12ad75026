"""Payments that did not fit their session: what can be decided about each, and the decision."""
