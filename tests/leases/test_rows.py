"""Leases of single rows, messages and waiting events, between processes whose clocks differ."""

import asyncio
from datetime import timedelta

from service.core.lanes import EVERYTHING
from service.inbox import repository as inbox
from service.outbox import repository as outbox
from service.outbox.operations.deliver import LEASE
from tests.leases.clocks import Shifted, Trusted
from tests.outbox.subscribing import Listener, born, deliver, deliveries, subscriber, write
from tests.support.shop import Shop

OFF = timedelta(minutes=10)


async def _delivered_twice_at_once(shop: Shop, kind: type[Shifted]) -> bool:
    """Return whether a process whose clock is ahead takes a delivery that another is at."""
    slow, fast = kind(-OFF), kind(OFF)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(*_: object) -> None:
        begun.set()
        await go_on.wait()

    quick = Listener()
    await born(slow, subscriber(quick))
    await write(shop)
    under_way = asyncio.create_task(deliver(slow, subscriber(slowly)))
    await begun.wait()
    await deliver(fast, subscriber(quick))
    go_on.set()
    assert await under_way == 1
    return bool(quick.got)


async def test_a_message_is_handled_by_one_process_whatever_their_clocks_say(shop: Shop) -> None:
    assert not await _delivered_twice_at_once(shop, Shifted)
    assert [row["status"] for row in await deliveries(shop)] == ["done"]


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


async def test_a_failed_delivery_frees_its_row_before_the_lease_ends(shop: Shop) -> None:
    """The wait after a failure is shorter than the lease."""
    failing = subscriber(Listener(failures=9))
    await born(shop.clock, failing)
    await write(shop)
    await deliver(shop.clock, failing)
    shop.pass_time(seconds=2)
    assert await outbox.claim("test:", 1, LEASE, shop.clock) is not None
