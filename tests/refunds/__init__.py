"""Money back, from who asks for it to the provider's books."""
