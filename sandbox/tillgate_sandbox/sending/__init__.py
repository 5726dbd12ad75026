"""Posting a provider's event to a development server."""
