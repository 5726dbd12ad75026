"""Send what is due to the merchants' servers: nothing of it runs inside a transaction."""
