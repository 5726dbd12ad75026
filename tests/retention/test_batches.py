"""What the cleanup does batch by batch is just what is done to one session alone."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest

from service.core.batches import SMALLEST, Until, work_off
from service.outbox import repository as outbox
from service.outbox.documents import OutboxMessage
from service.sessions import repository as sessions
from service.sessions.documents import Checkout
from service.sessions.operations.moving.expire import expire_batch, expire_if_due
from service.sessions.repository import due as due_sessions
from service.storage import keys as storage_keys
from service.storage.answering import Duplicate
from service.storage.database import Row
from service.storage.keys import Keys
from service.storage.plain import NO_TRANSACTION, in_transaction
from service.storage.transaction import Transaction
from tests.sessions.asking import change, checkout_body
from tests.support.api import SECRET
from tests.support.shop import Shop


async def _many_kinds(shop: Shop) -> None:
    """Open sessions that differ in all that a message may tell of."""
    refs = [
        Checkout(
            ref=f"cs_{n}", n=n, opened_at=shop.clock.now(), url="https://pay.example"
        ).model_dump(by_alias=True)
        for n in (1, 2)
    ]
    await shop.api.open(sessionId="plain")
    await shop.api.open(sessionId="dear", amount=2**40, currency="USD")
    await shop.api.open(sessionId="changed")
    assert (await change(shop.api, sessionId="changed", metadata={"a": 1})).status_code == 200
    for provider in ("stripe", "razorpay", "phonepe", "upi"):
        await shop.api.open(sessionId=f"at-{provider}", paymentMethod=provider)
        await shop.database["sessions"].update_one(
            {"sessionId": f"at-{provider}"},
            {"$set": {"checkouts": refs, "checkoutUrl": "https://pay.example", "version": 4}},
        )
    for number in range(3):
        body = checkout_body(userId=f"user-{number}")
        answer = await shop.api.call("POST", "/api/checkout-sessions", SECRET, json=body)
        assert answer.status_code == 201, answer.text
    # As an older version may have stored it, before there were these fields.
    await shop.database["sessions"].update_one(
        {"sessionId": "plain"}, {"$unset": {"late": "", "checkouts": ""}}
    )
    shop.pass_time(days=1, minutes=1)


async def _rows(shop: Shop, collection: str) -> list[Row]:
    """Return rows without the database's own time, which goes on."""
    return await shop.database[collection].find({}, {"writtenAt": 0}).sort("_id", 1).to_list()


async def _begin_again(shop: Shop, before: list[Row]) -> None:
    await shop.database["outbox"].delete_many({})
    await shop.database["sessions"].delete_many({})
    await shop.database["sessions"].insert_many(before)


async def _all_due(shop: Shop) -> Keys:
    async with aclosing(sessions.walk_due(shop.clock.now(), 100)) as walk:
        return await anext(walk)


async def test_a_batch_leaves_just_what_single_moves_leave(shop: Shop) -> None:
    await _many_kinds(shop)
    lifetimes, now = shop.api.container.rules.lifetimes, shop.clock.now()
    before = await _rows(shop, "sessions")
    for row in before:
        found = await sessions.find("default", row["sessionId"])
        assert found is not None
        assert await expire_if_due(found, lifetimes, now)
    alone = await _rows(shop, "sessions"), await _rows(shop, "outbox")
    topics = [message["topic"] for message in alone[1]]
    # Both checkouts of each session, but for those by UPI.
    assert (topics.count("session.expired"), topics.count("provider.close_checkout")) == (10, 6)

    await _begin_again(shop, before)
    assert await expire_batch(lifetimes, now, [row["_id"] for row in before]) == 10
    together = await _rows(shop, "sessions"), await _rows(shop, "outbox")
    # A document that was stored without them has got them by neither.
    assert together == alone


async def test_a_message_that_is_there_already_fails_no_batch_and_stays(shop: Shop) -> None:
    """As where the sessions were restored from a copy, and the messages were not."""
    for name in ("new", "again"):
        await shop.api.open(sessionId=name)
    ids = {
        name: f"session.expired:default:{(await shop.session(name))['_id']}:2"
        for name in ("again", "new")
    }
    kept = {"_id": ids["again"], "sessionId": "again", "status": "done"}
    await shop.database["outbox"].insert_one(kept)
    shop.pass_time(minutes=31)
    lifetimes, due = shop.api.container.rules.lifetimes, await _all_due(shop)
    assert await expire_batch(lifetimes, shop.clock.now(), due) == 2
    rows = await _rows(shop, "outbox")
    assert sorted(row["_id"] for row in rows) == sorted(ids.values())
    assert kept in rows
    assert await shop.database["sessions"].distinct("status") == ["expired"]


async def test_control_the_plain_insert_refuses_such_a_message_and_writes_nothing(
    shop: Shop,
) -> None:
    now = shop.clock.now()
    messages = [
        OutboxMessage(
            id=name,
            merchant_id="default",
            topic="t",
            session_id="s",
            created_at=now,
            purge_at=now + timedelta(days=1),
        ).to_row()
        for name in ("a", "b")
    ]
    await outbox.add_once(messages[:1], NO_TRANSACTION)

    async def work(tx: Transaction) -> None:
        await outbox.add_new(messages, tx)

    with pytest.raises(Duplicate):
        await in_transaction(work)
    assert [row["_id"] for row in await _rows(shop, "outbox")] == ["a"]


async def _paid_after_it_was_read(shop: Shop) -> list[Any]:
    """Return the moves of a session that is paid between the reading of its key and its batch."""
    paid, other = await shop.api.open(), await shop.api.open()
    shop.pass_time(minutes=31)
    due = await _all_due(shop)
    assert len(due) == 2
    await shop.receive(shop.stripe_paid(paid))
    await expire_batch(shop.api.container.rules.lifetimes, shop.clock.now(), due)
    assert (await shop.session(other["sessionId"]))["status"] == "expired"
    return [move["to"] for move in (await shop.session(paid["sessionId"]))["history"]]


async def test_a_session_that_was_paid_after_its_key_was_read_is_not_expired(shop: Shop) -> None:
    assert await _paid_after_it_was_read(shop) == ["pending", "completed"]
    assert len(await shop.messages("session.expired")) == 1


async def test_control_keys_alone_would_expire_what_was_paid(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = due_sessions._due

    def trusting(now: Any, among: Keys | None = None) -> Row:
        return whole(now) if among is None else {"_id": {"$in": among}}

    monkeypatch.setattr(due_sessions, "_due", trusting)
    assert await _paid_after_it_was_read(shop) == ["pending", "completed", "expired"]


async def test_a_session_that_was_paid_after_its_key_was_read_is_not_purged(shop: Shop) -> None:
    session = await shop.api.open()
    shop.pass_time(minutes=31)
    await shop.clean_up()
    shop.pass_time(days=7)
    async with aclosing(sessions.walk_purgeable(shop.clock.now(), 10)) as walk:
        keys = await anext(walk)
    assert len(keys) == 1
    await shop.receive(shop.stripe_paid(session))
    assert await sessions.find_purgeable(shop.clock.now(), keys) == []
    assert (await shop.session(session["sessionId"]))["status"] == "completed"


async def test_a_run_expires_and_purges_more_than_a_batch(shop: Shop) -> None:
    for _ in range(2 * SMALLEST + 5):
        await shop.api.open()
    shop.pass_time(minutes=31)
    assert (await shop.clean_up())["expired"] == 2 * SMALLEST + 5
    assert len(await shop.messages("session.expired")) == 2 * SMALLEST + 5
    shop.pass_time(days=7)
    assert (await shop.clean_up())["purged"] == 2 * SMALLEST + 5
    assert await _rows(shop, "sessions") == []


async def test_a_walk_gives_each_key_once_while_they_are_worked_off(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_keys, "_READ_AHEAD", 4)
    opened = [(await shop.api.open())["sessionId"] for _ in range(11)]
    shop.pass_time(minutes=31)
    sizes, lifetimes, now = [], shop.api.container.rules.lifetimes, shop.clock.now()
    async with aclosing(sessions.walk_due(now, 3)) as walk:
        async for keys in walk:
            sizes.append(await expire_batch(lifetimes, now, keys))
    assert sizes == [3, 3, 3, 2]
    told = [message["sessionId"] for message in await shop.messages("session.expired")]
    assert sorted(told) == sorted(opened)


async def _endless(closed: list[str]) -> AsyncGenerator[int, None]:
    try:
        while True:
            yield 1
    finally:
        closed.append("closed")


async def test_work_ends_when_its_time_is_over_and_closes_what_it_reads() -> None:
    async def do(one: int) -> int:
        return one

    closed: list[str] = []
    over = Until(time.monotonic() - 1)
    assert await work_off(_endless(closed), do, over) == 1
    assert closed == ["closed"]


async def test_work_ends_after_the_batch_in_which_it_is_told_to_stop() -> None:
    stopping, closed = asyncio.Event(), list[str]()
    done = []

    async def do(one: int) -> int:
        done.append(one)
        if len(done) == 3:
            stopping.set()
        return one

    assert await work_off(_endless(closed), do, Until(time.monotonic() + 60, stopping)) == 3
    assert closed == ["closed"]


async def test_a_breath_is_as_long_as_its_batch() -> None:
    """Measured from the outside: never shorter; how much longer is the machine's affair."""
    busy_s, ends, breaths = 0.02, [time.monotonic()], []

    async def batch(one: int) -> int:
        breaths.append(time.monotonic() - ends[-1])
        time.sleep(busy_s)  # noqa: ASYNC251  the batch is at work
        ends.append(time.monotonic())
        return one

    async def three() -> AsyncGenerator[int, None]:
        for _ in range(3):
            yield 1

    assert await work_off(three(), batch, Until(time.monotonic() + 60)) == 3
    assert min(breaths[1:]) >= busy_s
