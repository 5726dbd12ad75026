"""MongoDB: connecting, the embedded server, transactions, indexes and validators."""
