"""A lab for each test, on the run's database; a visitor for the pages."""

from collections.abc import AsyncIterator

import pytest_asyncio

from service.core.clock import ManualClock
from service.storage.database import Database
from tests.sandbox.lab import Lab, empty_sandbox, running_lab
from tests.sandbox.visitor import shop, visitor

__all__ = ["shop", "visitor"]


@pytest_asyncio.fixture
async def empty_database(database: Database) -> Database:
    """The run's database, without what an earlier sandbox left."""
    await empty_sandbox(database)
    return database


@pytest_asyncio.fixture
async def lab(database: Database, clock: ManualClock) -> AsyncIterator[Lab]:
    """The service with its sandbox on loopback; deliveries and time are moved by hand."""
    async with running_lab(database, clock) as running:
        yield running
