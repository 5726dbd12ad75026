"""Money back: one row for every refund, whoever asked for it."""
