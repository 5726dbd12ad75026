"""What `tillgate doctor` looks at."""
