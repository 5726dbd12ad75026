"""The shop, and merchants in it."""

from tests.support.shop import shop

__all__ = ["shop"]
