"""API keys of the environment and of the database, and end users' tokens."""
