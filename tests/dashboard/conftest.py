"""The dashboard in production, and with a sandbox besides; its visitor has a real browser."""

from collections.abc import AsyncIterator

import pytest_asyncio
from httpx import AsyncClient

from service.core.clock import ManualClock
from service.storage.database import Database
from tests.dashboard.signing_in import browsing
from tests.refunds.conftest import money, standing
from tests.sandbox.standing import lab, lab_put_back
from tests.sandbox.visitor import served_shop, shop, visitor
from tests.support.settings import make_settings
from tests.support.shop import shop as store

__all__ = ["lab", "lab_put_back", "money", "served_shop", "shop", "standing", "store", "visitor"]


@pytest_asyncio.fixture
async def production(database: Database, clock: ManualClock) -> AsyncIterator[AsyncClient]:
    """A browser at a service in production, where there is no sandbox to show."""
    settings = make_settings(ENVIRONMENT="production", PUBLIC_URL="https://pay.example.com")
    async with browsing(settings, database, clock) as http:
        yield http
