"""Payments that wait for a person or for their capture, and the session they belong to."""
