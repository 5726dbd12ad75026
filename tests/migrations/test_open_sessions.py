"""Migration 20: the index on what sessions expire has their merchant, too."""

from service.core.clock import ManualClock
from service.migrations.operations import migrate
from service.migrations.steps import open_sessions
from service.storage.database import Database
from service.stored import DOCUMENTS
from tests.migrations.conftest import BY


async def test_the_index_without_the_merchant_is_replaced(
    old: Database, clock: ManualClock
) -> None:
    assert await open_sessions.left(old) == {"indexes": 1}
    await migrate(old, DOCUMENTS, clock, BY)
    assert await open_sessions.left(old) == {"indexes": 0}
    there = await old["sessions"].index_information()
    assert "status_expiresAt_merchant_currency" in there
    assert "status_expiresAt" not in there
