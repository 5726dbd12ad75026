"""The demo shop: an example of a frontend, in development only."""
