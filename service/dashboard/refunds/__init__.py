"""The pages of refunds: what was requested, and what is on its way."""
