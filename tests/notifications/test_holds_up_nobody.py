"""One endpoint that hangs or fails holds up no other, and is not asked about again and again."""

import asyncio
from datetime import timedelta

import pytest

from service.notifications.endpoints.operations.fan_out import NEWS
from service.notifications.endpoints.repository.deliveries import Claimed
from service.notifications.endpoints.sending import client as clients
from service.notifications.endpoints.sending.client import Client
from service.notifications.endpoints.sending.lines import (
    AT_ONCE_EACH,
    AT_ONCE_FAILING,
    LINE,
    Lines,
)
from service.notifications.endpoints.sending.look_out import sending
from tests.conftest import NOON
from tests.notifications.receivers import Receiver, answers, hangs, receiving
from tests.notifications.telling import endpoint, send, sender_of, sent, services_of, tell
from tests.support.patience import IN_TIME
from tests.support.shop import Shop

MANY = LINE + 40


async def _has(receiver: Receiver, events: int) -> None:
    async with asyncio.timeout(IN_TIME):
        while len(receiver.times()) < events:
            receiver.came.clear()
            await receiver.came.wait()


async def test_others_are_sent_to_while_one_hangs_with_all_that_is_due_for_it(shop: Shop) -> None:
    async with receiving(hangs) as hanging, receiving() as well:
        await endpoint(shop, hanging.url(), "session.*")
        await tell(shop, *(f"{n:03}" for n in range(MANY)))
        await endpoint(shop, well.url(), "refund.failed")
        await tell(shop, *(f"{n:03}" for n in range(MANY)), topic="refund.failed")
        sender = sender_of(shop, client := Client(services_of(shop).addresses))
        await sender.look()
        await _has(well, MANY)
        assert len(hanging.got) == AT_ONCE_EACH
        for task in sender.under_way.values():
            task.cancel()
        await asyncio.wait(sender.under_way.values())
        client.close()


async def test_what_waits_for_one_that_fails_is_put_off_without_a_try(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "ANSWERS_WITHIN_S", 0.2)
    async with receiving(hangs) as hanging:
        await endpoint(shop, hanging.url())
        await tell(shop, *(f"{n:03}" for n in range(MANY)))
        tries = await send(shop)
        assert tries <= AT_ONCE_EACH + AT_ONCE_FAILING
        waiting = await sent(shop, tries=0)
        assert len(waiting) >= MANY - AT_ONCE_EACH - AT_ONCE_FAILING
        assert {row["status"] for row in waiting} == {"pending"}
        soonest = min(row["nextAttemptAt"] for row in waiting)
        assert soonest >= shop.clock.now() + timedelta(seconds=15)
        hanging.behaves = answers()
        shop.pass_time(seconds=15)
        await send(shop)
    assert len(hanging.times()) == MANY


async def test_a_loop_sends_what_this_process_has_made_and_ends_when_it_is_stopped(
    shop: Shop,
) -> None:
    stopping = asyncio.Event()
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
        async with asyncio.timeout(IN_TIME), sending(services_of(shop), stopping, lambda: (0, 0)):
            await tell(shop, "1")
            await _has(receiver, 1)
            await tell(shop, "2")
            await _has(receiver, 2)
    assert stopping.is_set()
    assert NEWS == "webhook_deliveries"


def _claimed(n: int, endpoint_id: str = "we_1") -> Claimed:
    return Claimed(f"{n}", "m", endpoint_id, f"evt_{n}", "{}", None, 0, "claim", NOON)


def test_a_line_lets_a_few_begin_and_the_others_wait() -> None:
    lines = Lines()
    assert lines.add(_claimed(n) for n in range(LINE)) == []
    assert lines.full == {"we_1"}
    assert list(lines.idle_workers()) == ["we_1"] * AT_ONCE_EACH
    assert list(lines.idle_workers()) == []
    assert lines.next("we_1") == _claimed(0)


def test_one_failure_clears_the_line_and_lets_only_two_begin() -> None:
    lines = Lines()
    lines.add(_claimed(n) for n in range(20))
    workers = list(lines.idle_workers())
    taken = [lines.next(one) for one in workers]
    left = lines.failed("we_1", NOON)
    assert len(taken) + len(left) == 20
    assert len(lines.add(_claimed(n) for n in range(20, 40))) == 20, "eight are under way"
    for _ in taken[1:]:
        lines.failed("we_1", NOON)
    for worker in workers:
        assert lines.next(worker) is None
    assert lines.size == 0
    assert len(lines.add(_claimed(n) for n in range(40, 60))) == 20 - AT_ONCE_FAILING
    lines.took("we_1")
    assert lines.add([_claimed(60)]) == []


def test_what_is_put_off_waits_the_longer_the_longer_its_endpoint_fails() -> None:
    lines = Lines()
    lines.add([_claimed(0)])
    list(lines.idle_workers())
    lines.failed("we_1", NOON)
    waits = [lines.wait_of("we_1", NOON + timedelta(seconds=n)) for n in (0, 60, 86_400)]
    assert [wait.total_seconds() for wait in waits] == [15, 60, 300]
