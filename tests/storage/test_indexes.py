"""Indexes and validators: made, compared, reported, and nothing dropped."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from bson import Int64
from pymongo import ASCENDING
from pymongo.errors import WriteError

from service.core.errors import Misconfigured
from service.storage.database import Client, Database
from service.storage.indexes import apply_indexes, find_drift, refuse_deadly_ttl
from service.stored import DOCUMENTS


@pytest_asyncio.fixture
async def fresh(client: Client) -> AsyncIterator[Database]:
    """A database of its own, dropped afterwards."""
    name = "tillgate_indexes"
    await client.drop_database(name)
    yield client[name]
    await client.drop_database(name)


async def _drift(database: Database) -> list[tuple[str, str, str]]:
    return [(one.collection, one.index, one.kind) for one in await find_drift(database, DOCUMENTS)]


async def test_a_fresh_database_gets_every_index_and_a_second_run_changes_nothing(
    fresh: Database,
) -> None:
    declared = sum(len(document.declared_indexes()) for document in DOCUMENTS)
    missing = await _drift(fresh)
    assert len(missing) == declared
    assert {kind for _, _, kind in missing} == {"missing"}
    assert await apply_indexes(fresh, DOCUMENTS) == []
    assert await _drift(fresh) == []
    assert await apply_indexes(fresh, DOCUMENTS) == []


async def test_drift_is_told_and_left_alone(fresh: Database) -> None:
    await apply_indexes(fresh, DOCUMENTS)
    sessions = fresh["sessions"]
    await sessions.drop_index("checkout_ids")
    await sessions.drop_index("merchant_writtenAt")
    await sessions.drop_index("status_expiresAt_merchant_currency")
    await sessions.drop_index("merchant_sessionId")
    await sessions.create_index("updatedAt", name="merchant_writtenAt", sparse=True)
    # The same fields the other way round serve other queries.
    await sessions.create_index(
        [("expiresAt", ASCENDING), ("status", ASCENDING)], name="status_expiresAt_merchant_currency"
    )
    await sessions.create_index(
        [("merchantId", ASCENDING), ("sessionId", ASCENDING)], name="merchant_sessionId"
    )
    await sessions.create_index("plan", name="somebodys_own")
    assert sorted(await _drift(fresh)) == [
        ("sessions", "checkout_ids", "missing"),
        ("sessions", "merchant_sessionId", "differs"),
        ("sessions", "merchant_writtenAt", "differs"),
        ("sessions", "somebodys_own", "unknown"),
        ("sessions", "status_expiresAt_merchant_currency", "differs"),
    ]
    left = await apply_indexes(fresh, DOCUMENTS)
    assert {one.kind for one in left} == {"differs", "unknown"}
    assert any(str(one).startswith("sessions.merchant_writtenAt differs: there") for one in left)
    names = set(await sessions.index_information())
    assert {
        "checkout_ids",
        "merchant_writtenAt",
        "somebodys_own",
        "status_expiresAt_merchant_currency",
    } <= names


async def test_a_ttl_that_deletes_live_sessions_is_refused(fresh: Database) -> None:
    """The reference document's own index: it deletes sessions that were paid late."""
    await fresh["sessions"].create_index("expiresAt", expireAfterSeconds=7 * 24 * 3600)
    with pytest.raises(Misconfigured, match=r"db\.sessions\.dropIndex\('expiresAt_1'\)"):
        await refuse_deadly_ttl(fresh)
    with pytest.raises(Misconfigured, match="paid ones too"):
        await apply_indexes(fresh, DOCUMENTS)


@pytest.mark.parametrize("collection", ["sessions", "webhook_events"])
async def test_a_ttl_on_the_time_of_keeping_is_refused(fresh: Database, collection: str) -> None:
    """Our own first version had it: it deletes sessions with a payment under way."""
    await fresh[collection].create_index("purgeAt", name="purgeAt_ttl", expireAfterSeconds=0)
    drop = rf"purgeAt.*db\.{collection}\.dropIndex\('purgeAt_ttl'\)"
    with pytest.raises(Misconfigured, match=drop):
        await refuse_deadly_ttl(fresh)
    await fresh[collection].drop_index("purgeAt_ttl")
    await apply_indexes(fresh, DOCUMENTS)  # what is declared is none of them
    await refuse_deadly_ttl(fresh)


async def test_documents_that_a_unique_index_forbids_are_told(fresh: Database) -> None:
    twice = {"merchantId": "default", "sessionId": "s-1", "amount": 1}
    await fresh["sessions"].insert_many([dict(twice), dict(twice)])
    with pytest.raises(Misconfigured, match=r"sessions holds documents .* s-1|s-1"):
        await apply_indexes(fresh, DOCUMENTS)
    assert await fresh["sessions"].count_documents({}) == 2


_MONEY = [
    ("sessions", "amount"),
    ("payments", "amount"),
    ("prices", "amount"),
    ("coupons", "amount"),
    ("coupons", "basisPoints"),
]


@pytest.mark.parametrize(("collection", "field"), _MONEY)
async def test_a_float_is_no_money(database: Database, collection: str, field: str) -> None:
    stored = database[collection]
    for wrong in (10.0, 10.5, "10", True, {"$gt": 1}, float("nan")):
        with pytest.raises(WriteError) as caught:
            await stored.insert_one({field: wrong})
        assert caught.value.code == 121
    for right in (10, Int64(2**53 - 1)):
        row = {field: right, "merchantId": str(right), "provider": str(right)}
        inserted = await stored.insert_one(row)
        with pytest.raises(WriteError):
            await stored.update_one({"_id": inserted.inserted_id}, {"$set": {field: 0.1}})
    assert await stored.count_documents({}) == 2
