"""What opens a session and says what it costs, again too where it is retried."""
