"""A fifth provider, made up, and a walk through the house with it."""
