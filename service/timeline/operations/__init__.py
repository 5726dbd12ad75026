"""What happened to a session, and why it is in its state."""
