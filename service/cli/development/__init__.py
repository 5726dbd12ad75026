"""What `tillgate dev` adds: generated keys, a few prices, a banner."""
