"""Prices that the server trusts, so that a browser never decides what is paid."""
