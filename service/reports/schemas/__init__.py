"""What goes over the wire about reports."""
