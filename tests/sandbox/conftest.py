"""A lab for each test, on the run's database; a visitor for the pages."""

import pytest_asyncio

from service.storage.database import Database
from tests.sandbox.lab import empty_sandbox
from tests.sandbox.standing import lab, lab_put_back
from tests.sandbox.visitor import served_shop, shop, visitor

__all__ = ["lab", "lab_put_back", "served_shop", "shop", "visitor"]


@pytest_asyncio.fixture
async def empty_database(database: Database) -> Database:
    """The run's database, without what an earlier sandbox left."""
    await empty_sandbox(database)
    return database
