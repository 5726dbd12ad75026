"""Leases of single rows, messages and waiting events, between processes whose clocks differ."""

import asyncio
from datetime import timedelta
from typing import Any

from service.core.lanes import EVERYTHING
from service.inbox import repository as inbox
from service.outbox import repository as outbox
from service.outbox.documents import OutboxMessage
from service.outbox.operations import LEASE, deliver_due, message
from service.storage.plain import NO_TRANSACTION
from tests.leases.clocks import Shifted, Trusted
from tests.support.shop import Shop

OFF = timedelta(minutes=10)


async def _delivered_twice_at_once(shop: Shop, kind: type[Shifted]) -> bool:
    """Return whether a process whose clock is ahead takes a message that another is at."""
    slow, fast = kind(-OFF), kind(OFF)
    row = message(
        *("test.topic", "1"), merchant_id="default", session_id="s", payload={}, now=slow.now()
    )
    await outbox.add_once([row], NO_TRANSACTION)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(_: OutboxMessage) -> None:
        begun.set()
        await go_on.wait()

    taken: list[str] = []

    async def at_once(told: OutboxMessage) -> None:
        taken.append(told.id)

    under_way = asyncio.create_task(deliver_due({"test.topic": slowly}, slow))
    await begun.wait()
    await deliver_due({"test.topic": at_once}, fast)
    go_on.set()
    assert await under_way == 1
    return bool(taken)


async def test_a_message_is_handled_by_one_process_whatever_their_clocks_say(shop: Shop) -> None:
    assert not await _delivered_twice_at_once(shop, Shifted)
    assert (await shop.messages("test.topic"))[0]["status"] == "done"


async def test_control_by_the_clocks_of_the_processes_both_handle_it(shop: Shop) -> None:
    """As it was: the end of the lease was a time of the process that took it."""
    assert await _delivered_twice_at_once(shop, Trusted)


async def _taken_twice(shop: Shop, kind: type[Shifted]) -> bool:
    await shop.receive(shop.stripe_paid({"sessionId": "later", "amount": 1, "currency": "INR"}))
    slow, fast = kind(-OFF), kind(OFF)
    due = {"nextAttemptAt": slow.now()}
    await shop.database["webhook_events"].update_one({}, {"$set": due})
    assert await inbox.claim_waiting(slow, LEASE, EVERYTHING) is not None
    return await inbox.claim_waiting(fast, LEASE, EVERYTHING) is not None


async def test_an_event_is_retried_by_one_process_whatever_their_clocks_say(shop: Shop) -> None:
    assert not await _taken_twice(shop, Shifted)


async def test_control_by_the_clocks_of_the_processes_both_retry_it(shop: Shop) -> None:
    assert await _taken_twice(shop, Trusted)


async def test_a_failed_delivery_frees_its_message_before_the_lease_ends(shop: Shop) -> None:
    """The wait after a failure is shorter than the lease."""
    row: Any = message(
        *("test.topic", "1"),
        merchant_id="default",
        session_id="s",
        payload={},
        now=shop.clock.now(),
    )
    await outbox.add_once([row], NO_TRANSACTION)

    async def fails(_: OutboxMessage) -> None:
        raise RuntimeError("not now")

    await deliver_due({"test.topic": fails}, shop.clock)
    shop.pass_time(seconds=2)
    assert await outbox.claim_due(["test.topic"], shop.clock, LEASE) is not None
