"""Rate limits, and whose address a request comes from."""
