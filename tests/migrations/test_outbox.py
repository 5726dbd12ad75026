"""Migration 7: what waited goes on as deliveries, and what nobody heard is closed."""

from datetime import timedelta
from typing import Any

import pytest
from bson import Timestamp

from service.core.clock import ManualClock
from service.migrations import operations
from service.migrations.operations import migrate
from service.migrations.steps import STEPS, outbox
from service.outbox.documents import Delivery
from service.outbox.operations.post import Post
from service.outbox.operations.subscribers import Subscriber
from service.storage.database import Database, Row
from service.stored import DOCUMENTS
from tests.migrations.conftest import BY
from tests.outbox.subscribing import Listener

CAPTURE = "provider.capture"


async def _before(database: Database) -> list[Row]:
    return await database["outbox"].find({}).sort("_id", 1).to_list()


async def test_commands_that_waited_are_deliveries_with_their_attempts(
    old: Database, clock: ManualClock
) -> None:
    before = [row for row in await _before(old) if row["topic"].startswith("provider.")]
    waited = {row["_id"]: row for row in before if row["status"] == "pending"}
    assert waited
    await migrate(old, DOCUMENTS, clock, BY)
    found = await old["deliveries"].find({}).to_list()
    assert {row["messageId"] for row in found} == set(waited)
    for row in found:
        was = waited[row["messageId"]]
        assert (row["attempts"], row["error"]) == (was["attempts"], was["error"])
        assert row["nextAttemptAt"] >= was["nextAttemptAt"]
        assert row["lane"] == f"{row['subscriber']}:{was['payload']['provider']}"
        assert Delivery.model_validate(row).to_row() == row
    assert not await old["outbox"].count_documents({"status": "pending"})


async def test_one_that_was_given_up_is_a_dead_letter(old: Database, clock: ManualClock) -> None:
    await old["outbox"].update_many({"topic": CAPTURE}, {"$set": {"status": "dead", "error": "no"}})
    count = await old["outbox"].count_documents({"topic": CAPTURE})
    await migrate(old, DOCUMENTS, clock, BY)
    dead = await old["deliveries"].find({"status": "dead"}).to_list()
    assert [row["error"] for row in dead] == ["no"] * count != []


async def test_what_nobody_heard_is_closed_and_never_reaches_who_comes_later(
    old: Database, clock: ManualClock
) -> None:
    unheard = {"topic": {"$regex": "^session"}, "status": "pending"}
    assert await old["outbox"].count_documents(unheard)
    await migrate(old, DOCUMENTS, clock, BY)
    assert await old["outbox"].count_documents(unheard) == 0
    mail = Listener()
    topics = frozenset(await old["outbox"].distinct("topic"))
    await Post([Subscriber("mail", topics, mail)], clock).work_off()
    assert mail.got == []


async def test_what_a_pod_of_the_version_before_writes_meanwhile_is_heard_too(
    old: Database, clock: ManualClock
) -> None:
    """Who hears commands has been there before all messages, also those without a time."""
    row: Any = await old["outbox"].find_one({"topic": CAPTURE})
    await migrate(old, DOCUMENTS, clock, BY)
    late = row | {"_id": "late", "status": "pending", "createdAt": clock.now()}
    await old["outbox"].insert_one(late)
    listener = Listener()
    hears = Subscriber("capture", frozenset({CAPTURE}), listener, always=True)
    await old["deliveries"].delete_many({})
    assert await Post([hears], clock).work_off() == 1
    assert listener.got == ["late"]
    born = await old["subscribers"].find_one({"_id": f"capture:{CAPTURE}"})
    assert born is not None
    assert born["bornAt"] == Timestamp(0, 0)


async def test_a_second_run_changes_nothing(old: Database, clock: ManualClock) -> None:
    await migrate(old, DOCUMENTS, clock, BY)
    before = await _before(old), await old["deliveries"].find({}).to_list()
    clock.advance(timedelta(days=1))
    await migrate(old, DOCUMENTS, clock, BY, again=True)
    assert (await _before(old), await old["deliveries"].find({}).to_list()) == before
    assert await outbox.left(old) == {"messages": 0, "indexes": 0}


async def test_control_without_the_step_who_comes_later_hears_all_of_it(
    old: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the row of the message alone, as the version before would have told it."""
    pending = {"topic": {"$regex": "^session"}, "status": "pending"}
    waiting = await old["outbox"].count_documents(pending)
    before = [step for step in STEPS if step.run is not outbox.run]
    monkeypatch.setattr(operations, "STEPS", before)
    await migrate(old, DOCUMENTS, clock, BY)
    assert await old["outbox"].count_documents(pending) == waiting > 0
