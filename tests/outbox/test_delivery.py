"""Deliveries: leased, tried again, given up; two processes at once deliver once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from service.core.batches import Until
from service.core.errors import ProviderFailed
from service.outbox import repository
from service.outbox.documents import Delivery
from service.outbox.operations.deliver import LEASE, take_turn
from service.outbox.repository import Claimed
from tests.outbox.subscribing import Listener, born, deliver, deliveries, subscriber, write
from tests.support.shop import Shop

LANE = "test:"


async def _row(shop: Shop) -> dict[str, Any]:
    [row] = await deliveries(shop)
    return row


async def test_the_same_thing_is_told_once_however_often_it_is_added(shop: Shop) -> None:
    listener = Listener()
    await born(shop.clock, subscriber(listener))
    for _ in range(3):
        await write(shop, "1", "1")
    assert await deliver(shop.clock, subscriber(listener)) == 1
    assert await deliver(shop.clock, subscriber(listener)) == 0
    assert listener.got == ["test.topic:1"]
    assert (await _row(shop))["status"] == "done"


async def test_two_processes_at_once_deliver_each_message_once(shop: Shop) -> None:
    listener = Listener()
    await born(shop.clock, subscriber(listener))
    await write(shop, *(str(n) for n in range(40)))
    counts = await asyncio.gather(*(deliver(shop.clock, subscriber(listener)) for _ in range(4)))
    assert sum(counts) == 40
    assert len(set(listener.got)) == len(listener.got) == 40


async def test_control_without_the_claim_they_deliver_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = Listener()
    await born(shop.clock, subscriber(listener))
    await write(shop, *(str(n) for n in range(5)))
    await deliver(shop.clock, subscriber(Listener(failures=10)))

    async def unclaimed(*_: object) -> Claimed | None:
        rows = await deliveries(shop, status="pending")
        return Claimed("", [Delivery.model_validate(row) for row in rows])

    monkeypatch.setattr(repository, "claim", unclaimed)
    shop.pass_time(seconds=2)
    await asyncio.gather(*(_a_turn(shop, listener) for _ in range(4)))
    assert len(listener.got) > 5


async def _a_turn(shop: Shop, listener: Listener) -> int:
    return await take_turn(LANE, subscriber(listener), shop.clock, Until(float("inf")))


async def test_a_failure_is_tried_again_ever_more_rarely_and_dead_after_three_days(
    shop: Shop,
) -> None:
    listener = Listener(failures=10**6)
    await born(shop.clock, subscriber(listener))
    await write(shop)
    await deliver(shop.clock, subscriber(listener))
    began = shop.clock.now()
    waits = []
    while (row := await _row(shop))["status"] == "pending":
        wait = row["nextAttemptAt"] - shop.clock.now()
        waits.append(wait.total_seconds())
        shop.clock.advance(wait)
        assert await deliver(shop.clock, subscriber(listener)) == 0
    for wait, published in zip(waits, (2, 4, 8, 16), strict=False):
        assert published * 0.9 <= wait <= published
    assert max(waits) <= 6 * 3600
    assert timedelta(days=3) < shop.clock.now() - began < timedelta(days=3, hours=7)
    assert (row["status"], row["error"]) == ("dead", "not now")
    shop.pass_time(days=1)
    tried = len(listener.got)
    await deliver(shop.clock, subscriber(listener))
    assert len(listener.got) == tried == row["attempts"]


async def test_a_failure_does_not_hold_up_the_others(shop: Shop) -> None:
    listener = Listener(failures=1)
    await born(shop.clock, subscriber(listener))
    await write(shop, "0", "1", "2")
    assert await deliver(shop.clock, subscriber(listener)) == 2
    shop.clock.advance(timedelta(seconds=2))
    assert await deliver(shop.clock, subscriber(listener)) == 1
    assert len(listener.got) == 4


async def _unreadable(shop: Shop, *, readable: bool) -> None:
    payload: Any = {} if readable else "?"
    change = {"$set": {"payload": payload}}
    await shop.database["outbox"].update_one({"_id": "test.topic:1"}, change)


async def test_one_that_can_not_be_read_holds_up_no_other_and_is_given_up_too(shop: Shop) -> None:
    listener = Listener(failures=3)
    await born(shop.clock, subscriber(listener))
    await write(shop, "0", "1", "2")
    await deliver(shop.clock, subscriber(listener))
    await _unreadable(shop, readable=False)
    shop.pass_time(seconds=2)
    assert await deliver(shop.clock, subscriber(listener)) == 2
    [row] = await deliveries(shop, status="pending")
    assert row["error"].startswith("ValidationError")
    shop.pass_time(days=4)
    await deliver(shop.clock, subscriber(listener))
    assert [row["_id"] for row in await deliveries(shop, status="dead")] == ["test.topic:1:test"]


async def test_nor_does_it_while_it_is_not_dispatched_and_it_is_once_it_can_be_read(
    shop: Shop,
) -> None:
    listener = Listener()
    await born(shop.clock, subscriber(listener))
    await write(shop, "0", "1", "2")
    await _unreadable(shop, readable=False)
    assert await deliver(shop.clock, subscriber(listener)) == 2
    await _unreadable(shop, readable=True)
    assert await deliver(shop.clock, subscriber(listener)) == 1
    assert sorted(listener.got) == ["test.topic:0", "test.topic:1", "test.topic:2"]


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (RuntimeError("E11000 dup key: { email: a@b.example }"), "RuntimeError: the log of the"),
        (ProviderFailed(f"Stripe refused. {'x' * 10**6}"), "Stripe refused. xxx"),  # the control
    ],
)
async def test_of_what_a_library_says_a_delivery_shows_the_kind_alone(
    shop: Shop, error: Exception, shown: str
) -> None:
    async def fails(*_: object) -> None:
        raise error

    await born(shop.clock, subscriber(fails))
    await write(shop)
    await deliver(shop.clock, subscriber(fails))
    listed = await shop.admin("GET", "/deliveries", params={"status": "pending"})
    [told] = listed.json()["deliveries"]
    assert told["error"].startswith(shown)
    assert "a@b.example" not in listed.text
    assert len(told["error"]) <= 500


async def test_what_a_process_died_over_is_delivered_after_its_lease(shop: Shop) -> None:
    failing = Listener(failures=1)
    await born(shop.clock, subscriber(failing))
    await write(shop)
    await deliver(shop.clock, subscriber(failing))
    shop.pass_time(seconds=2)
    lost = await repository.claim(LANE, 10, LEASE, shop.clock)
    assert lost is not None
    listener = Listener()
    assert await deliver(shop.clock, subscriber(listener)) == 0
    shop.clock.advance(LEASE)
    assert await deliver(shop.clock, subscriber(listener)) == 1

    [late] = lost.deliveries
    told = repository.Failed(late, "the dead one speaks", timedelta())
    await repository.keep(lost, done=[], failed=[told], untouched=[late], clock=shop.clock)
    assert (await _row(shop))["status"] == "done"


async def test_what_was_done_by_another_way_is_delivered_to_nobody(shop: Shop) -> None:
    listener = Listener()
    await born(shop.clock, subscriber(listener))
    await write(shop)
    about = repository.About("test.topic", "default", "s-1")
    assert [one.id for one in await repository.waiting(about)] == ["test.topic:1"]
    await repository.note_delivered(about, shop.clock.now())
    assert await repository.waiting(about) == []
    assert await deliver(shop.clock, subscriber(listener)) == 0
    assert (listener.got, await deliveries(shop)) == ([], [])


async def test_nor_where_its_delivery_is_there_already(shop: Shop) -> None:
    listener = Listener(failures=1)
    await born(shop.clock, subscriber(listener))
    await write(shop)
    await deliver(shop.clock, subscriber(listener))
    about = repository.About("test.topic", "default", "s-1")
    assert [one.id for one in await repository.waiting(about)] == ["test.topic:1"]
    await repository.note_delivered(about, shop.clock.now())
    assert await repository.waiting(about) == []
    shop.pass_time(days=1)
    await deliver(shop.clock, subscriber(listener))
    assert len(listener.got) == 1
    assert (await _row(shop))["status"] == "done"


async def _done_while_it_is_dispatched(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note that a message is done between the dispatcher's look at it and its delivery."""
    listener = Listener()
    await born(shop.clock, subscriber(listener))
    await write(shop)
    about = repository.About("test.topic", "default", "s-1")
    insert = repository.insert_deliveries

    async def later(rows: Any) -> None:
        await repository.note_delivered(about, shop.clock.now())
        await insert(rows)

    monkeypatch.setattr(repository, "insert_deliveries", later)
    await deliver(shop.clock, subscriber(listener))
    [row] = await shop.messages("test.topic")
    assert row["status"] == "done"
    assert (await _row(shop))["status"] == "done"
    return listener.got


async def test_nor_where_it_is_done_while_it_is_dispatched(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _done_while_it_is_dispatched(shop, monkeypatch) == []


async def test_control_without_a_look_at_the_message_it_is_delivered_then(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_ids = repository.by_ids

    async def as_it_was(ids: Any) -> Any:
        found = await by_ids(ids)
        return {key: one | {"status": "dispatched"} for key, one in found.items()}

    monkeypatch.setattr(repository, "by_ids", as_it_was)
    assert await _done_while_it_is_dispatched(shop, monkeypatch) == ["test.topic:1"]


async def test_what_nobody_hears_is_dispatched_to_nobody(shop: Shop) -> None:
    await born(shop.clock, subscriber(Listener()))
    await write(shop, topic="session.completed")
    assert await deliver(shop.clock, subscriber(Listener())) == 0
    [row] = await shop.messages("session.completed")
    assert (row["status"], await deliveries(shop)) == ("dispatched", [])
