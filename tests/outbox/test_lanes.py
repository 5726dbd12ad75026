"""Lanes: what hangs in one holds up no other, and a busy one starves none."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import repeat
from typing import Any

import pytest
from msgspec.structs import replace

from service.background import background
from service.core.batches import Until
from service.leases import loops
from service.outbox import repository
from service.outbox.documents import Delivery, OutboxMessage
from service.outbox.operations import deliver as delivering
from service.outbox.operations import post as posting
from service.outbox.operations.post import Post
from service.outbox.operations.subscribers import Subscriber
from service.retention.operations.report import Jobs
from service.storage.plain import NO_TRANSACTION
from tests.leases.clocks import Shifted
from tests.outbox.subscribing import (
    TOPIC,
    Listener,
    born,
    deliver,
    deliveries,
    row_of,
    subscriber,
    write,
)
from tests.support.patience import IN_TIME
from tests.support.shop import Shop

Handle = Callable[[Delivery, OutboxMessage], Awaitable[None]]


def _hears(handle: Handle, **more: Any) -> Subscriber:
    """A subscriber with a lane for each place that a message names."""
    at = {"destination": lambda message: str(message.payload["to"])}
    return replace(subscriber(handle, **at), always=True, **more)


async def _write(shop: Shop, to: str, count: int = 1) -> None:
    rows = [row_of(shop, f"{to}-{n}", to=to) for n in range(count)]
    await repository.add_once(rows, NO_TRANSACTION)


def _jobs(shop: Shop, *subscribers: Subscriber) -> Jobs:
    jobs = shop.api.container.jobs
    return replace(jobs, subscribers=subscribers, stopping=asyncio.Event())


async def test_a_quick_lane_does_not_wait_for_one_that_hangs(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "LET_GO_AFTER_S", 0.1)
    hanging, quick = asyncio.Event(), asyncio.Event()

    async def handle(_: Delivery, message: OutboxMessage) -> None:
        if message.payload["to"] == "slow":
            hanging.set()
            await asyncio.Event().wait()
        quick.set()

    await _write(shop, "slow", 5)
    async with asyncio.timeout(IN_TIME), background(_jobs(shop, _hears(handle))):
        await hanging.wait()
        await _write(shop, "quick")
        await quick.wait()
    done = await deliveries(shop, status="done")
    assert [row["lane"] for row in done] == ["test:quick"]


async def _order(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return in which order lanes of which one is busy have their turns, one at a time."""
    monkeypatch.setattr(delivering, "AT_ONCE", 2)
    monkeypatch.setattr(posting, "LANES_AT_ONCE", 1)
    turns: list[str] = []

    async def handle(_: Delivery, message: OutboxMessage) -> None:
        turns.append(str(message.payload["to"]))

    await _write(shop, "busy", 10)
    shop.pass_time(seconds=1)
    await _write(shop, "a")
    await _write(shop, "b")
    await deliver(shop.clock, _hears(handle))
    return turns


async def test_a_busy_lane_starves_no_other(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = await _order(shop, monkeypatch)
    assert len(turns) == 12
    assert {"a", "b"} <= set(turns[:6])


async def test_control_by_the_oldest_row_alone_the_others_wait_behind_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was given no turn yet counts as much as what had the last one."""
    monkeypatch.setattr(posting, "count", lambda _: repeat(0))
    turns = await _order(shop, monkeypatch)
    assert not {"a", "b"} & set(turns[:9])


async def test_the_lanes_of_one_subscriber_take_no_place_of_another(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "LANES_AT_ONCE", 2)
    monkeypatch.setattr(loops, "LET_GO_AFTER_S", 0.1)
    got = asyncio.Event()

    async def hangs(*_: object) -> None:
        await asyncio.Event().wait()

    async def takes(*_: object) -> None:
        got.set()

    slow, quick = _hears(hangs), replace(_hears(takes), name="quick")
    for n in range(5):
        await _write(shop, f"to-{n}")
    async with asyncio.timeout(IN_TIME), background(_jobs(shop, slow, quick)):
        await got.wait()


@pytest.mark.parametrize("at_once", [1, 3])
async def test_so_many_of_a_lane_are_under_way_at_once(shop: Shop, at_once: int) -> None:
    under_way, most = 0, 0

    async def handle(*_: object) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    await _write(shop, "one", 9)
    assert await deliver(shop.clock, _hears(handle, at_once=at_once)) == 9
    assert most == at_once


async def test_a_stop_ends_before_the_next_delivery_and_gives_the_rest_back(shop: Shop) -> None:
    stopping = asyncio.Event()

    async def handle(*_: object) -> None:
        stopping.set()

    await _write(shop, "one", 9)
    hears = _hears(handle)
    assert await Post([hears], shop.clock, Until(float("inf"), stopping)).work_off() == 1
    rows = await deliveries(shop, status="pending")
    assert [(row["attempts"], row["claim"]) for row in rows] == [(0, None)] * 8
    assert await deliver(shop.clock, hears) == 8


async def test_a_turn_that_is_cut_keeps_what_was_done_and_gives_back_the_rest(
    shop: Shop,
) -> None:
    hanging = asyncio.Event()

    async def handle(_: Delivery, message: OutboxMessage) -> None:
        if message.id.endswith("-2"):
            hanging.set()
            await asyncio.Event().wait()

    await _write(shop, "one", 5)
    post = Post([_hears(handle)], shop.clock)
    working = asyncio.create_task(post.work_off())
    await hanging.wait()
    for task in post.under_way.values():
        task.cancel()
    await asyncio.wait({working})
    found = {row["_id"][-6]: (row["status"], row["attempts"]) for row in await deliveries(shop)}
    assert found == {
        **dict.fromkeys("0134", ("done", 1)),
        "2": ("pending", 1),
    }


async def test_clocks_ten_minutes_apart_change_nothing(shop: Shop) -> None:
    """Birth, due and lease go by the database's clock: what one writes the other delivers now."""
    slow, fast = Shifted(-timedelta(minutes=10)), Shifted(timedelta(minutes=10))
    listener = Listener()
    hears = subscriber(listener)
    await born(fast, hears)
    for clock in (slow, fast):
        row = row_of(shop, type(clock).__name__ + str(clock.now())) | {"createdAt": clock.now()}
        await repository.add_once([row], NO_TRANSACTION)
        assert await deliver(slow, hears) == 1
    assert len(listener.got) == 2
    await write(shop)
    assert await deliver(fast, hears) == 1
    assert [row["topic"] for row in await deliveries(shop, status="done")] == [TOPIC] * 3
