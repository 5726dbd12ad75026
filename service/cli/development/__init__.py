"""What `tillgate dev` brings along: generated keys, a few prices, a banner."""
