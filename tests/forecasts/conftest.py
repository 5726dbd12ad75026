"""A shop whose revenue is forecast."""

from tests.support.shop import shop

__all__ = ["shop"]
