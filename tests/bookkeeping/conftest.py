"""The shop whose payments are posted."""

from tests.support.shop import shop

__all__ = ["shop"]
