"""The inbox: every verified event, applied exactly once."""
