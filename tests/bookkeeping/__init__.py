"""Double entry: what is posted for the ledger's rows, and what a check of the books finds."""
