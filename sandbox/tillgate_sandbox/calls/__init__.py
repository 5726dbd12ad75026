"""Recorded calls: those to the played providers, and those that touch a session."""
