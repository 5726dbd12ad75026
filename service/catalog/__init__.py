"""Prices that the server trusts, so that a browser never decides the amount."""
