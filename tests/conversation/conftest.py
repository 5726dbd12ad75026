"""A world for conversations, on the run's database."""

from collections.abc import AsyncIterator

import pytest_asyncio

from service.core.clock import ManualClock
from service.storage.database import Database
from tests.conversation.world import World, conversation


@pytest_asyncio.fixture
async def world(database: Database, clock: ManualClock) -> AsyncIterator[World]:
    """A lab that conversations are held in, one after the other."""
    async with conversation(database, clock) as held:
        yield held
