"""`tillgate listen`: what it hears, and what it forwards."""
