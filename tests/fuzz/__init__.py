"""Bytes from a stranger, thrown at everything that reads them before it knows who sent them."""
