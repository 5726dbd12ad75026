"""What opens a checkout for who comes back: above the operations, which call no provider."""
