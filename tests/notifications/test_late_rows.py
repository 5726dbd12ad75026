"""What turns up behind the front of what is due is found by a look at all of it."""

import asyncio
import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from service.core import lately
from service.core.batches import Until
from service.core.errors import Unavailable
from service.core.lately import Lately
from service.notifications.endpoints.operations.backlog import Backlog
from service.notifications.endpoints.repository import deliveries
from service.notifications.endpoints.repository.deliveries import Claimed
from service.notifications.endpoints.sending import client as waiting_in
from service.notifications.endpoints.sending import lines
from service.notifications.endpoints.sending import sender as sending
from service.notifications.endpoints.sending.client import Client
from service.notifications.endpoints.sending.front import LATE
from service.notifications.endpoints.sending.pace import Pace
from service.notifications.endpoints.sending.sender import Sender
from service.storage.database import Row
from tests.notifications.receivers import Got, Stream, answers, hangs, receiving
from tests.notifications.telling import endpoint, fan_out, sent, services_of, tell
from tests.support.patience import IN_TIME
from tests.support.shop import Shop


def _serving(shop: Shop, client: Client) -> Sender:
    """Return the sender of a serving process."""
    return Sender(services_of(shop), client, Until(math.inf), Pace(lambda: (0, 0)))


async def _round(sender: Sender) -> None:
    await sender.look()
    await asyncio.gather(*sender.under_way.values())


async def _sent_of_two(shop: Shop, *, before: timedelta) -> int:
    """Have a serving process send one, then another that is due before it; return how many."""
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
        client = Client(services_of(shop).addresses)
        sender = _serving(shop, client)
        for key in ("1", "2"):
            await tell(shop, key)
            if key == "2":
                due = {"$set": {"nextAttemptAt": shop.clock.now() - before}}
                await shop.database["webhook_deliveries"].update_one({"status": "pending"}, due)
            await _round(sender)
        client.close()
    return len(receiver.got)


@pytest.mark.parametrize(
    ("every_s", "before", "sent"),
    [
        (math.inf, timedelta(0), 2),
        (math.inf, LATE - timedelta(seconds=1), 2),
        (math.inf, LATE + timedelta(seconds=1), 1),  # the control: it waits for a look at all
        (0.0, LATE + timedelta(seconds=1), 2),
    ],
)
async def test_what_is_due_a_little_before_the_last_is_sent_and_the_rest_by_a_look_at_all(
    shop: Shop, every_s: float, before: timedelta, sent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lately, "LOOKS_AT_ALL_EVERY_S", every_s)
    assert await _sent_of_two(shop, before=before) == sent


async def _sent_after_a_failure(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have an event's deliveries fail to be made, another sent, and the former made again."""
    monkeypatch.setattr(lately, "LOOKS_AT_ALL_EVERY_S", 3600.0)
    insert = deliveries.insert_missing

    async def fails(row: Row) -> bool:
        raise Unavailable("the database is away")

    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
        client = Client(services_of(shop).addresses)
        sender = _serving(shop, client)
        monkeypatch.setattr(deliveries, "insert_missing", fails)
        await tell(shop, "first", session="first")
        monkeypatch.setattr(deliveries, "insert_missing", insert)
        shop.pass_time(minutes=1)
        tried_again = {"$set": {"nextAttemptAt": shop.clock.now() + timedelta(seconds=1)}}
        await shop.database["deliveries"].update_one({"status": "pending"}, tried_again)
        await tell(shop, "second", session="second")
        await _round(sender)
        shop.pass_time(seconds=1)
        assert await fan_out(shop) == 1
        await _round(sender)
        client.close()
    return [row["sessionId"] for row in await sent(shop, status="delivered")]


async def test_what_could_be_made_only_a_minute_later_is_sent_at_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is due since its dispatch, and others were sent meanwhile."""
    assert await _sent_after_a_failure(shop, monkeypatch) == ["first", "second"]


async def test_control_who_is_not_told_since_when_it_is_due_passes_it_by(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Backlog, "take", lambda *_: None)
    assert await _sent_after_a_failure(shop, monkeypatch) == ["second"]


LATE_ROWS, HELD, ROOM = 100, 72, 48
"""What is due late, what waits for the slow one here, and how much may be taken besides."""


class Claims:
    """Claims what is due, by one look at all and then by others; nothing once that is over."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._claim, self._monkeypatch = deliveries.claim, monkeypatch
        self._taken, self._over = 0, asyncio.Event()
        self._are_off, self._one_at_a_time = False, asyncio.Lock()

    async def __call__(self, *args: Any) -> Sequence[Claimed]:
        async with self._one_at_a_time:
            if self._are_off:
                return ()
            self._monkeypatch.setattr(lately, "LOOKS_AT_ALL_EVERY_S", 3600.0)
            found = await self._claim(*args)
        self._taken += len(found)
        if not found:
            self._over.set()
        return found

    async def until_nothing_is_found(self, sender: Sender) -> int:
        """Have a sender look; return how much was taken until nothing more was found."""
        self._taken, self._are_off = 0, False
        self._over.clear()
        self._monkeypatch.setattr(lately, "LOOKS_AT_ALL_EVERY_S", 0.0)
        await sender.look()
        async with asyncio.timeout(IN_TIME):
            await self._over.wait()
        async with self._one_at_a_time:
            self._are_off = True
        return self._taken


async def _taken_beside_a_slow_one(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> int:
    """Have one look at all find much that is due long since; return how much of it is taken."""
    monkeypatch.setattr(sending, "AT_ONCE", HELD + ROOM)
    monkeypatch.setattr(waiting_in, "ANSWERS_WITHIN_S", IN_TIME)
    claims = Claims(monkeypatch)
    async with receiving(hangs) as slow, receiving() as well:
        await endpoint(shop, slow.url(), "refund.*")
        await endpoint(shop, well.url(), "session.*")
        await tell(shop, *map(str, range(HELD)), topic="refund.succeeded")
        client = Client(services_of(shop).addresses)
        sender = _serving(shop, client)
        monkeypatch.setattr(deliveries, "claim", claims)
        assert await claims.until_nothing_is_found(sender) == HELD
        await tell(shop, *map(str, range(LATE_ROWS)))
        services_of(shop).backlog.take()  # as another process has made them
        long_since = {"$set": {"nextAttemptAt": shop.clock.now() - timedelta(minutes=1)}}
        of_sessions = {"type": "session.completed"}
        await shop.database["webhook_deliveries"].update_many(of_sessions, long_since)
        taken = await claims.until_nothing_is_found(sender)
        for task in sender.under_way.values():
            task.cancel()
        await asyncio.wait(sender.under_way.values())
        client.close()
    return taken


async def test_what_a_look_at_all_leaves_behind_it_is_taken_by_the_next_also_beside_a_slow_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took as much as there was room for in half a minute, while any endpoint had enough."""
    assert await _taken_beside_a_slow_one(shop, monkeypatch) == LATE_ROWS


async def test_control_where_searches_never_begin_earlier_it_waits_for_the_next_look_at_all(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lately, "begin_at", lambda *_: None)
    assert await _taken_beside_a_slow_one(shop, monkeypatch) == ROOM


def test_looks_are_at_all_until_one_was_made_and_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    since = Lately[int](lambda at: at - 5)
    assert since.after() is None
    since.found(12)
    assert since.after() is None, "nobody says that it was made: it may have failed"
    since.looked_at_all()
    assert since.after() == 7
    monkeypatch.setattr(lately, "LOOKS_AT_ALL_EVERY_S", 0.0)
    assert since.after() is None


def test_the_front_moves_back_and_never_forth_to_where_something_is_left() -> None:
    since = Lately[int](lambda at: at - 5)
    since.looked_at_all()
    since.begin_at(20)
    assert since.after() is None, "nothing is known to be done with"
    since.found(12)
    since.begin_at(20)
    assert since.after() == 7
    since.begin_at(9)
    assert since.after() == 4


async def test_what_waits_behind_a_full_line_is_not_passed_by_where_others_are_taken(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was taken beside it is no front: it was not looked for."""
    monkeypatch.setattr(lately, "LOOKS_AT_ALL_EVERY_S", math.inf)
    monkeypatch.setattr(lines, "AT_ONCE_EACH", 1)
    monkeypatch.setattr(lines, "LINE", 1)
    free = asyncio.Event()

    async def waits(got: Got, writer: Stream) -> None:
        await free.wait()
        await answers()(got, writer)

    async with receiving(waits) as slow, receiving() as quick:
        held = await endpoint(shop, slow.url())
        await endpoint(shop, quick.url())
        client = Client(services_of(shop).addresses)
        sender = _serving(shop, client)
        for key in ("sent", "in line", "behind"):
            if key == "behind":
                shop.pass_time(seconds=20)
            await tell(shop, key)
            if key == "behind":
                due = {"$set": {"nextAttemptAt": shop.clock.now() - 2 * LATE}}
                own = {"endpointId": held.endpoint.id, "claim": None, "status": "pending"}
                done = await shop.database["webhook_deliveries"].update_many(own, due)
                assert done.modified_count == 1
            await sender.look()
            async with asyncio.timeout(IN_TIME):
                await asyncio.gather(quick.came.wait(), slow.came.wait())
            quick.came.clear()
        free.set()
        await asyncio.gather(*sender.under_way.values())
        client.close()
    assert len(slow.got) == 3
