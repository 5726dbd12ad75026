"""Rate limits, and the address that a request comes from."""
