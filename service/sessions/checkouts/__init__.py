"""A session's checkouts at its provider: opened one at a time, given up, closed."""
