"""The shop that is watched."""

from tests.refunds.conftest import money, standing
from tests.support.shop import shop

__all__ = ["money", "shop", "standing"]
