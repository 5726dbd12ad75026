"""What is told of a dispatch, when one ends, and what is left of one that is stopped."""

import asyncio
import math
import time

import pytest

from service.core import lately
from service.core.batches import Until
from service.core.measures import DELIVERIES, counter
from service.outbox import repository
from service.outbox.documents import Delivery, OutboxMessage
from service.outbox.operations import dispatch as dispatching
from service.outbox.operations import post as posting
from service.outbox.operations.dispatch import dispatch, dispatch_some
from service.outbox.operations.post import Post
from service.storage.database import Row, earlier
from tests.outbox.subscribing import Listener, born, deliver, deliveries, subscriber, write
from tests.support.shop import Shop

FOREVER = Until(math.inf)


@pytest.mark.parametrize(("marked", "heard"), [(False, 1), (True, 0)], ids=["told", "control"])
async def test_a_process_that_is_stopped_while_somebody_hears_loses_nothing(
    shop: Shop, marked: bool, heard: int
) -> None:
    """The control marks the message as dispatched before: nobody hears it any more."""

    async def stopped(_: Delivery, told: OutboxMessage) -> None:
        if marked:
            await repository.mark_dispatched([told])
        raise asyncio.CancelledError

    listener = Listener()
    await born(shop.clock, subscriber(listener))
    await write(shop)
    with pytest.raises(asyncio.CancelledError):
        await dispatch_some([subscriber(stopped, at_dispatch=True)], shop.clock)
    assert await deliveries(shop) == []
    assert await deliver(shop.clock, subscriber(listener, at_dispatch=True)) == heard


async def test_how_far_it_has_come_is_the_last_message_of_its_last_batch(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatching, "AT_ONCE", 2)
    await born(shop.clock, subscriber(Listener()))
    for key in ("1", "2", "3", "4"):  # each at a time of its own
        await write(shop, key)
    done = await dispatch([subscriber(Listener())], shop.clock, FOREVER)
    rows = await shop.database["outbox"].find().sort("writtenAt", 1).to_list()
    assert (done.messages, done.latest) == (4, rows[-1]["writtenAt"])


@pytest.mark.parametrize(("until", "messages"), [(Until(-math.inf), 0), (FOREVER, 1)])
async def test_none_is_begun_once_the_time_is_over(shop: Shop, until: Until, messages: int) -> None:
    await born(shop.clock, subscriber(Listener()))
    await write(shop)
    assert (await dispatch([subscriber(Listener())], shop.clock, until)).messages == messages


async def test_what_is_heard_is_counted_and_noted_with_its_time(shop: Shop) -> None:
    def counted(outcome: str) -> float:
        return float(counter(DELIVERIES, "test", outcome)._value.get())

    hears = subscriber(Listener(failures=1), at_dispatch=True)
    await born(shop.clock, hears)
    await write(shop, "1", "2")
    before = counted("delivered"), counted("failed")
    await dispatch_some([hears], shop.clock)
    assert (counted("delivered"), counted("failed")) == (before[0] + 1, before[1] + 1)
    assert [row["doneAt"] for row in await deliveries(shop)] == [None, shop.clock.now()]


async def test_a_job_looks_at_all_each_time_also_at_what_is_committed_late_meanwhile(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first subscriber has it committed: written ten seconds before what was heard."""
    monkeypatch.setattr(lately, "LOOKS_AT_ALL_EVERY_S", 3600.0)
    got: list[str] = []

    async def hears(_: Delivery, told: OutboxMessage) -> None:
        got.append(told.id)
        if len(got) == 1:
            [row] = await shop.database["outbox"].find().to_list()
            late: Row = {"status": "pending", "writtenAt": earlier(row["writtenAt"], 10)}
            await shop.database["outbox"].insert_one(row | late | {"_id": "test.topic:2"})

    await write(shop)
    post = Post([subscriber(hears, always=True)], shop.clock)
    assert await post.work_off() == 2
    assert got == ["test.topic:1", "test.topic:2"]


async def test_rests_of_turns_that_end_together_add_up(shop: Shop) -> None:
    post = Post([], shop.clock)
    await asyncio.gather(*(post._rest(posting.REST_AT_MOST_S * 3600) for _ in range(2)))
    left = post._rests_until - time.monotonic()
    assert left > posting.REST_AT_MOST_S * 3600 * 1.5


async def test_one_whose_destination_can_not_be_told_keeps_no_message_after_it(shop: Shop) -> None:
    def somewhere(told: OutboxMessage) -> str:
        return {"test.topic:2": "there"}[told.id]

    listener = Listener()
    hears = subscriber(listener, destination=somewhere)
    await born(shop.clock, hears)
    await write(shop, "1", "2")
    assert await deliver(shop.clock, hears) == 2
    lanes = {row["messageId"]: row["lane"] for row in await deliveries(shop)}
    assert lanes == {"test.topic:1": "test:", "test.topic:2": "test:there"}


@pytest.mark.parametrize(("waits", "begun"), [(True, []), (False, ["test:"])])
async def test_of_who_waits_no_lane_is_begun(shop: Shop, waits: bool, begun: list[str]) -> None:
    hears = subscriber(Listener(), waits=lambda: waits)
    await born(shop.clock, hears)
    await write(shop)
    await dispatch_some([hears], shop.clock)
    post = Post([hears], shop.clock)
    await post.look()
    under_way = dict(post.under_way)
    await asyncio.gather(*under_way.values())
    assert [*under_way] == begun
