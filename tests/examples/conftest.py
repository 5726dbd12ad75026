"""A lab with its loops, to which the examples sell."""

from tests.sandbox.visitor import shop

__all__ = ["shop"]
