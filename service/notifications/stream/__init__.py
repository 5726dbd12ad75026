"""Events as they happen, for whoever listens: a developer's machine, a small backend."""
