"""Who only writes what waits for others hears a message as it is dispatched: no row waits."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from service.core import lately
from service.outbox import repository
from service.outbox.documents import Delivery, OutboxMessage
from service.outbox.operations import dispatch as dispatching
from service.outbox.operations.dispatch import dispatch_some
from service.outbox.operations.post import Post
from service.outbox.operations.subscribers import Subscriber
from service.storage.database import Row, earlier
from service.storage.plain import NO_TRANSACTION
from tests.outbox.subscribing import (
    Listener,
    born,
    deliver,
    deliveries,
    row_of,
    subscriber,
    write,
)
from tests.support.patience import IN_TIME
from tests.support.profiled import profiled
from tests.support.shop import Shop


def _hears(listener: Listener, **more: Any) -> Subscriber:
    return subscriber(listener, at_dispatch=True, **more)


async def _kept(shop: Shop) -> list[tuple[str, int]]:
    return [(row["status"], row["attempts"]) for row in await deliveries(shop)]


async def test_what_is_heard_at_its_dispatch_is_written_as_done(shop: Shop) -> None:
    listener = Listener()
    await born(shop.clock, _hears(listener))
    await write(shop, "1", "2")
    done = await dispatch_some([_hears(listener)], shop.clock)
    assert (done.messages, done.heard, done.waiting) == (2, 2, 0)
    assert listener.got == ["test.topic:1", "test.topic:2"]
    assert await _kept(shop) == [("done", 1)] * 2
    assert await deliver(shop.clock, _hears(listener)) == 0


@pytest.mark.parametrize(("at_dispatch", "commands"), [(True, 1), (False, 4)])
async def test_no_command_is_spent_on_taking_and_keeping_it(
    shop: Shop, at_dispatch: bool, commands: int
) -> None:
    """The control has its row inserted, found, taken and kept."""
    hears = subscriber(Listener(), at_dispatch=at_dispatch)
    await born(shop.clock, hears)
    await write(shop)
    async with profiled(shop.database) as done:
        assert await deliver(shop.clock, hears) == 1
    asked = [
        row
        for row in done
        if row["ns"].endswith(".deliveries") and "aggregate" not in row["command"]
    ]
    assert len(asked) == commands


async def test_one_that_fails_waits_for_its_turn_as_any_other(shop: Shop) -> None:
    listener = Listener(failures=1)
    await born(shop.clock, _hears(listener))
    await write(shop)
    assert await deliver(shop.clock, _hears(listener)) == 0
    [row] = await deliveries(shop)
    assert (row["status"], row["attempts"], row["error"]) == ("pending", 1, "not now")
    assert 1 < (row["nextAttemptAt"] - shop.clock.now()).total_seconds() <= 2
    shop.pass_time(seconds=2)
    assert await deliver(shop.clock, _hears(listener)) == 1
    assert await _kept(shop) == [("done", 2)]


async def test_what_is_held_back_is_not_heard_at_its_dispatch(shop: Shop) -> None:
    listener = Listener()
    await born(shop.clock, _hears(listener))
    held = row_of(shop) | {"heldUntil": shop.clock.now() + timedelta(minutes=1)}
    await repository.add_once([held], NO_TRANSACTION)
    done = await dispatch_some([_hears(listener)], shop.clock)
    assert (done.waiting, listener.got) == (1, [])
    shop.pass_time(minutes=2)
    assert await deliver(shop.clock, _hears(listener)) == 1


async def test_what_is_left_once_the_time_is_over_has_its_turn(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatching, "HEARD_WITHIN_S", -1.0)
    listener = Listener()
    await born(shop.clock, _hears(listener))
    await write(shop, "1", "2")
    done = await dispatch_some([_hears(listener)], shop.clock)
    assert (done.heard, done.waiting, listener.got) == (0, 2, [])
    assert await _kept(shop) == [("pending", 0)] * 2
    assert await deliver(shop.clock, _hears(listener)) == 2


async def test_who_has_enough_amid_a_dispatch_is_given_the_rest_later(shop: Shop) -> None:
    listener = Listener()
    hears = _hears(listener, waits=lambda: len(listener.got) >= 2)
    await born(shop.clock, hears)
    await write(shop, "1", "2", "3")
    done = await dispatch_some([hears], shop.clock)
    assert (done.heard, done.waiting) == (2, 1)
    assert await deliver(shop.clock, hears) == 1  # a job waits for nobody


async def test_another_process_than_the_one_that_has_it_leaves_it_a_row(shop: Shop) -> None:
    listener = Listener()
    await born(shop.clock, _hears(listener))
    await write(shop)
    done = await dispatch_some([subscriber(Listener(), "other")], shop.clock)
    assert (done.heard, done.waiting, listener.got) == (0, 1, [])
    assert await deliver(shop.clock, _hears(listener)) == 1


async def _found_late(shop: Shop, monkeypatch: pytest.MonkeyPatch, every_s: float) -> list[str]:
    """Have a message committed ten seconds after it was written; return what is heard then."""
    monkeypatch.setattr(lately, "LOOKS_AT_ALL_EVERY_S", every_s)
    listener = Listener()
    post = Post([_hears(listener, always=True)], shop.clock)
    await write(shop, "1")
    await _look(post)
    [row] = await shop.database["outbox"].find().to_list()
    before: Row = {"status": "pending", "writtenAt": earlier(row["writtenAt"], 10)}
    await shop.database["outbox"].insert_one(row | before | {"_id": "test.topic:2"})
    await _look(post)
    return listener.got


async def _look(post: Post) -> None:
    await post.look()
    for task in post.under_way.values():
        await task


async def test_a_look_at_all_finds_what_was_committed_long_after_it_was_written(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _found_late(shop, monkeypatch, 0.0) == ["test.topic:1", "test.topic:2"]


async def test_control_the_others_pass_by_what_stands_before_the_last_that_was_dispatched(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _found_late(shop, monkeypatch, 3600.0) == ["test.topic:1"]


async def test_nor_do_they_miss_what_another_wrote_a_little_before(shop: Shop) -> None:
    listener = Listener()
    post = Post([_hears(listener, always=True)], shop.clock)
    await write(shop, "1")
    await _look(post)
    await write(shop, "2")
    await _look(post)
    assert listener.got == ["test.topic:1", "test.topic:2"]


async def _found_amid_a_dispatch(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have a message committed late, and the look at all come while another is dispatched."""
    monkeypatch.setattr(lately, "LOOKS_AT_ALL_EVERY_S", 3600.0)
    heard, goes_on, listener = asyncio.Event(), asyncio.Event(), Listener()

    async def listen(delivery: Delivery, told: OutboxMessage) -> None:
        heard.set()
        await goes_on.wait()
        await listener(delivery, told)

    post = Post([subscriber(listen, at_dispatch=True, always=True)], shop.clock)
    await write(shop, "1")
    await post.look()
    async with asyncio.timeout(IN_TIME):
        await heard.wait()
    [row] = await shop.database["outbox"].find().to_list()
    before: Row = {"status": "pending", "writtenAt": earlier(row["writtenAt"], 10)}
    await shop.database["outbox"].insert_one(row | before | {"_id": "test.topic:2"})
    monkeypatch.setattr(lately, "LOOKS_AT_ALL_EVERY_S", 0.0)
    await post.look()
    monkeypatch.setattr(lately, "LOOKS_AT_ALL_EVERY_S", 3600.0)
    goes_on.set()
    await asyncio.gather(*post.under_way.values())
    await write(shop, "3")
    await _look(post)
    return listener.got


async def test_a_look_at_all_that_comes_amid_a_dispatch_is_made_up_for_by_the_next(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one is always under way, whatever was committed late waited for ever."""
    got = await _found_amid_a_dispatch(shop, monkeypatch)
    assert got == ["test.topic:1", "test.topic:2", "test.topic:3"]


async def test_control_a_process_that_forgets_what_it_owes_passes_it_by(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Post, "_at_all", property(lambda *_: False, lambda *_: None), raising=False)
    got = await _found_amid_a_dispatch(shop, monkeypatch)
    assert got == ["test.topic:1", "test.topic:3"]
