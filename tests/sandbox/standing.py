"""A lab that is served once for a run, and put back for each test."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest_asyncio

from service.core.clock import ManualClock
from service.storage.database import Database
from tests.sandbox.lab import Lab, standing_lab


@pytest_asyncio.fixture(scope="session")
async def lab_put_back(
    indexed_database: Database, the_clock: ManualClock
) -> AsyncIterator[Callable[[], Awaitable[Lab]]]:
    """The lab of all tests: to build and serve one for each took two thirds of their time."""
    async with standing_lab(indexed_database, the_clock) as put_back:
        yield put_back


@pytest_asyncio.fixture
async def lab(
    lab_put_back: Callable[[], Awaitable[Lab]], database: Database, clock: ManualClock
) -> Lab:
    """The service with its sandbox on loopback; deliveries and time are moved by hand."""
    return await lab_put_back()
