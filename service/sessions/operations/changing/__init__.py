"""What a caller changes of a session by hand."""
