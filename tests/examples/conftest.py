"""A lab with its loops, to which the examples sell."""

from tests.sandbox.visitor import served_shop, shop

__all__ = ["served_shop", "shop"]
