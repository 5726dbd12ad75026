"""What is read of the ledger, put together."""
