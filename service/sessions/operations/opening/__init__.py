"""What opens a session and prices it, also when it is retried."""
