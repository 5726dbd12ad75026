"""What happens to a payment's row, one verb a file."""
