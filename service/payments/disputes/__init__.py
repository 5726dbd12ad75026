"""What customers dispute with their banks: one row for every dispute."""
