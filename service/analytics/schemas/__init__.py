"""What goes over the wire about figures."""
