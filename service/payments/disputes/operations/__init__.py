"""What happens to a dispute, one verb a file."""
