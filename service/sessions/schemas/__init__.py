"""What goes over the wire about sessions: requests in, answers out."""
