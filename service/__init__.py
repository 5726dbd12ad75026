"""Tillgate: payment sessions that complete exactly once."""

__version__ = "0.1.0"
