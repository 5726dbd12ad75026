"""A world for conversations, on the run's database."""

from collections.abc import AsyncIterator

import pytest_asyncio

from service.core.clock import ManualClock
from service.storage.database import Database
from tests.conversation.world import World, conversation_in
from tests.sandbox.lab import Lab
from tests.sandbox.standing import lab, lab_put_back

__all__ = ["lab", "lab_put_back"]


@pytest_asyncio.fixture
async def world(lab: Lab, database: Database, clock: ManualClock) -> AsyncIterator[World]:
    """The lab of all tests, that conversations are held in, one after the other."""
    async with conversation_in(lab, database, clock) as held:
        yield held
