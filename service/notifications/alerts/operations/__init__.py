"""Look at conditions, open and close alerts, tell of them, list them."""
