"""What happens to a refund, one verb a file."""
