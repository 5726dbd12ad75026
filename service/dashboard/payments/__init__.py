"""The pages of payments: find them, see what became of one, refund it."""
