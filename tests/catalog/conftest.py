"""The application on a clock that a test moves, and what tests of sessions share."""

from collections.abc import AsyncIterator

import pytest_asyncio
from litestar import Litestar

from service.app import create_app
from service.core.clock import ManualClock
from service.settings import Settings
from service.storage.database import Database


@pytest_asyncio.fixture
async def app(
    settings: Settings, database: Database, clock: ManualClock
) -> AsyncIterator[Litestar]:
    """The whole application; time stands still until a test moves it."""
    yield create_app(settings, database, clock=clock, loop=False)
