"""Merchants' own servers: where they are, what each hears, and what came of telling them."""
