"""What `tillgate doctor` checks."""
