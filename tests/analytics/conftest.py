"""A shop whose figures are asked for."""

from tests.support.shop import shop

__all__ = ["shop"]
