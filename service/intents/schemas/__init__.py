"""What goes over the wire about leads."""
