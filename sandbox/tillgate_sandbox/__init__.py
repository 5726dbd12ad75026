"""Plays the providers on their own wire formats, for development."""
