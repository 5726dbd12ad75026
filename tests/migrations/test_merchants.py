"""Merchants that were a name in other documents get one of their own."""

from typing import Any

import pytest

from service.core.clock import ManualClock
from service.migrations.errors import LayoutDiffers
from service.migrations.operations import migrate, require_layout
from service.migrations.steps import merchants
from service.migrations.steps.step import Run
from service.storage.database import Client, Database
from service.storage.documents import bind
from service.stored import DOCUMENTS
from tests.migrations.conftest import BY


async def _ids(database: Database) -> list[str]:
    return [row["_id"] async for row in database["merchants"].find().sort("_id", 1)]


@pytest.mark.parametrize("collection", ["api_keys", "sessions", "payments", "prices", "coupons"])
async def test_whoever_is_named_anywhere_has_a_document(
    old: Database, clock: ManualClock, collection: str
) -> None:
    await old[collection].insert_one({"merchantId": "named-here", "createdAt": clock.now()})
    before = await merchants.left(old)
    run = Run(old)
    await merchants.run(run)
    assert before == run.counts == {"merchants": 3}
    assert await _ids(old) == ["another", "default", "named-here"]
    assert await merchants.left(old) == {"merchants": 0}


async def test_one_that_is_there_stays_as_it_is(old: Database, clock: ManualClock) -> None:
    await migrate(old, DOCUMENTS, clock, BY)
    changed: dict[str, Any] = {"$set": {"name": "Ours", "zone": "Asia/Kolkata"}}
    await old["merchants"].update_one({"_id": "default"}, changed)
    rows = await old["merchants"].find().sort("_id", 1).to_list()
    await migrate(old, DOCUMENTS, clock, BY, again=True)
    assert await old["merchants"].find().sort("_id", 1).to_list() == rows


async def test_a_new_database_has_the_first_merchant_from_its_first_start(
    old: Database, clock: ManualClock, client: Client
) -> None:
    await client.drop_database(old.name)
    await bind(old, DOCUMENTS)
    for _ in range(2):
        await require_layout(old, clock)
        assert await _ids(old) == ["default"]


async def test_control_a_database_of_the_version_before_is_refused_until_it_is_migrated(
    old: Database, clock: ManualClock
) -> None:
    await migrate(old, DOCUMENTS, clock, BY)
    await old["merchants"].delete_many({})
    await old["migrations"].delete_one({"_id": 5})
    with pytest.raises(LayoutDiffers, match=r"migration 5 has not run"):
        await require_layout(old, clock)
    await migrate(old, DOCUMENTS, clock, BY)
    assert await _ids(old) == ["another", "default"]
