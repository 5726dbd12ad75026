"""A lab with its loops, and a customer at a merchant's page on another origin."""

from collections.abc import AsyncIterator

import pytest_asyncio

from service.core.clock import SystemClock
from service.storage.database import Database
from tests.clients.customer import customer
from tests.sandbox.lab import Lab, empty_sandbox, running_lab
from tests.sandbox.visitor import CLERK
from tillgate_sandbox.demo_prices import put_demo_prices

__all__ = ["customer"]


@pytest_asyncio.fixture(scope="module")
async def served_shop(indexed_database: Database) -> AsyncIterator[Lab]:
    """The service with its sandbox and its loops, on the real clock: built and served once."""
    async with running_lab(indexed_database, SystemClock(), loop=True) as running:
        yield running


@pytest_asyncio.fixture
async def shop(served_shop: Lab, database: Database) -> Lab:
    """That shop with its prices, as if nobody had bought anything yet."""
    await empty_sandbox(database)
    await put_demo_prices(CLERK, SystemClock().now())
    return served_shop
