"""A shop whose measurements are read."""

from tests.support.shop import shop

__all__ = ["shop"]
