"""All HTTP concerns that no feature owns: callers, well-formed requests, errors."""
