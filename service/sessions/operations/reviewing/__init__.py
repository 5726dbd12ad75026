"""Payments that wait for a person or a capture, and the session that they belong to."""
