"""The page of mail: what was sent, what waits, and what came back."""
