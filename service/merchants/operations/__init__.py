"""What is done with merchants: cached, changed and audited, given keys."""
