"""The shop whose merchants are told."""

from tests.support.shop import shop

__all__ = ["shop"]
