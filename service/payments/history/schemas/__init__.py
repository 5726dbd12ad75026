"""What goes over the wire about payments, and about the figures of a time."""
