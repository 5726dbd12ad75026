"""Acme, a provider that there is not: its folder, as one would be added below `providers`."""
