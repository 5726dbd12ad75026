"""Register jobs, run them, pause them, list them."""
