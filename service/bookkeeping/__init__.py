"""Double entry: what should stand on the accounts for the ledger's rows, posted and checked."""
