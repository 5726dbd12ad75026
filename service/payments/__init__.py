"""The ledger: a folder for each kind of row, each with the seven names of a room."""
