"""A shop whose leads are left on a clock that stands still."""

import pytest

from tests.support.api import Api
from tests.support.shop import Shop, shop

__all__ = ["shop"]


@pytest.fixture
def api(shop: Shop) -> Api:
    """The application on that clock."""
    return shop.api
