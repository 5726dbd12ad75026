"""Read a month, close it once it is over, and tell what changed of those that were closed."""
