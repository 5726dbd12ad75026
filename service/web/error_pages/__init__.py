"""A page for each code of an error: when it happens, and what to change."""
