"""What keeps settings out of production, in words. Pure. docs/configuration.md lists it all."""
