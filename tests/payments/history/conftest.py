"""The shop, and rows of the ledger."""

from tests.support.shop import shop

__all__ = ["shop"]
