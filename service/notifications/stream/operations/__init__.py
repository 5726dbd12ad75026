"""Listen to events as they happen, and know to whom somebody listens."""
