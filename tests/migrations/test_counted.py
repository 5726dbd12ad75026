"""Migration 20: indexes that have all that is counted by them take the place of others."""

from service.core.clock import ManualClock
from service.migrations.operations import migrate
from service.migrations.steps import counted
from service.storage.database import Database
from service.stored import DOCUMENTS
from tests.migrations.conftest import BY


async def test_indexes_without_what_is_counted_are_replaced(
    old: Database, clock: ManualClock
) -> None:
    facts = old["figures_facts"]
    await facts.create_index("merchantId", name="tried_again_merchant_at")
    assert await counted.left(old) == {"indexes": 2}
    await migrate(old, DOCUMENTS, clock, BY)
    assert await counted.left(old) == {"indexes": 0}
    there = await old["sessions"].index_information()
    assert "status_expiresAt_merchant_currency" in there
    assert "status_expiresAt" not in there
    there = await facts.index_information()
    assert "tried_again_merchant_at_currency_payer" in there
    assert "tried_again_merchant_at" not in there
