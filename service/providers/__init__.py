"""Payment providers: each turns its own wire format into the neutral facts of `base`."""
