"""Named queries on endpoints, and on what is delivered to them."""
