"""What a caller changes in a session by hand."""
