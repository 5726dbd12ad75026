"""What decides about money, broken in one place at a time: the tests must notice (cosmic-ray)."""
