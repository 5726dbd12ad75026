"""A shop whose months are closed."""

from tests.support.shop import shop

__all__ = ["shop"]
