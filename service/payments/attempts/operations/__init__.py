"""What is written of tries at paying, and how they are read."""
