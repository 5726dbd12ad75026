"""What talks to the mail server, above the operations, which call nobody."""
