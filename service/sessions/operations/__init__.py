"""What can happen to a session: one verb a file."""
