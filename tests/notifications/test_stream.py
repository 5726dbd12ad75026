"""The stream of events: who hears what, from where on, and when it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from litestar import Litestar
from pymongo.errors import OperationFailure

from service.app import create_app
from service.core.clock import ManualClock
from service.notifications.stream.operations import streams as operations
from service.notifications.stream.operations.listening import SPAN, Listeners
from service.notifications.stream.operations.streams import MOST_OF_A_MERCHANT, Streams, Wanted
from service.storage.database import Database, Row
from service.web.keys.documents import ApiKey
from service.web.keys.ring import REMEMBERED_FOR
from tests.notifications.listening import (
    happens,
    listening,
    refused,
    until_none_listens,
)
from tests.sessions.asking import fields_of, key_of_another_merchant, token_of
from tests.support.api import ADMIN, JOBS, PUBLISHABLE, SECRET
from tests.support.settings import make_settings
from tests.web.serving import serving


@pytest_asyncio.fixture
async def served(database: Database, clock: ManualClock) -> AsyncIterator[tuple[str, Litestar]]:
    """An application of its own: at its end it ends the streams for good."""
    app = create_app(make_settings(), database, clock=clock, loop=False)
    async with serving(app) as address:
        yield address, app


Served = tuple[str, Litestar]


async def test_an_event_comes_to_all_who_listen_through_any_worker(
    served: Served, database: Database
) -> None:
    other = create_app(make_settings(), database, loop=False)
    async with (
        serving(other) as beside,
        listening(served[0]) as here,
        listening(served[0], ADMIN) as again,
        listening(beside) as there,
    ):
        await happens(served[0], "s-1")
        events = [await one.next() for one in (here, again, there)]
        other.state.streams.stopping.set()
    assert events[0] is not None
    assert events[0] == events[1] == events[2]
    assert (events[0]["type"], events[0]["sessionId"]) == ("session.canceled", "s-1")
    assert events[0]["id"].startswith("evt_")


async def test_who_comes_back_is_told_what_has_happened_meanwhile_and_nothing_twice(
    served: Served,
) -> None:
    async with listening(served[0]) as first:
        await happens(served[0], "s-1")
        assert await first.names(1) == ["s-1"]
    await happens(served[0], "s-2", "s-3")
    async with listening(served[0], place=first.place) as second:
        await happens(served[0], "s-4")
        assert await second.names(3) == ["s-2", "s-3", "s-4"]


async def test_control_who_does_not_say_where_it_was_misses_it(served: Served) -> None:
    async with listening(served[0]) as first:
        await happens(served[0], "s-1")
        assert await first.names(1) == ["s-1"]
    await happens(served[0], "s-2")
    async with listening(served[0]) as second:
        await happens(served[0], "s-3")
        assert await second.names(1) == ["s-3"]


async def test_where_nothing_comes_a_beat_moves_the_place_on(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "BEAT_EVERY_S", 0)
    async with listening(served[0], events="dispute.*") as quiet:
        await happens(served[0], "s-1")
        await quiet.beat()
    assert quiet.place


async def test_a_merchant_hears_its_own_and_what_it_asks_for(
    served: Served, clock: ManualClock
) -> None:
    theirs = await key_of_another_merchant(clock)
    async with (
        listening(served[0], theirs) as other,
        listening(served[0], events="session.canceled, refund.*") as chosen,
        listening(served[0], ADMIN, merchant="another") as operator,
    ):
        await happens(served[0], "ours")
        await happens(served[0], "theirs", key=theirs)
        assert await other.names(1) == ["theirs"]
        assert await operator.names(1) == ["theirs"]
        assert await chosen.names(1) == ["ours"]


async def test_only_keys_of_servers_may_listen(served: Served, clock: ManualClock) -> None:
    for key, status in (
        (None, 401),
        ("sk_wrong", 401),
        (PUBLISHABLE, 403),
        (JOBS, 403),
        (token_of("ada", clock), 403),
    ):
        assert (await refused(served[0], key)).status_code == status, key
    theirs = await key_of_another_merchant(clock)
    answer = await refused(served[0], theirs, params={"merchant": "default"})
    assert answer.status_code in {403, 404}


@pytest.mark.parametrize("events", ["session", "provider.*", "provider.capture", "*.*", "", "a,"])
async def test_a_filter_that_names_nothing_is_a_400(served: Served, events: str) -> None:
    answer = await refused(served[0], params={"events": events})
    assert (answer.status_code, fields_of(answer)) == (400, {"events"})


@pytest.mark.parametrize("place", ["x", "82", "ZZ", "8" * 3000, "{$gt: 1}"])
async def test_a_place_that_nobody_told_is_a_400(served: Served, place: str) -> None:
    answer = await refused(served[0], headers={"Last-Event-ID": place})
    assert (answer.status_code, fields_of(answer)) == (400, {"Last-Event-ID"})


async def test_a_place_that_the_database_has_forgotten_is_a_409(served: Served) -> None:
    async with listening(served[0]) as first:
        await happens(served[0], "s-1")
        await first.next()
    # The second byte on is the time, in seconds.
    among, _, token = first.place.partition(".")
    long_ago = f"{among}.{token[:2]}00000001{token[10:]}"
    answer = await refused(served[0], headers={"Last-Event-ID": long_ago})
    assert (answer.status_code, answer.json()["error"]) == (409, "events_lost")


async def test_a_place_among_other_events_or_of_another_merchant_is_a_400(
    served: Served, database: Database, clock: ManualClock
) -> None:
    """The control: the database takes it, and fails with the next message."""
    another = await key_of_another_merchant(clock)
    async with listening(served[0], events="session.*") as first:
        await happens(served[0], "s-1")
        await first.next()
    headers = {"Last-Event-ID": first.place}
    for key, events in ((SECRET, "session.canceled"), (another, "session.*")):
        answer = await refused(served[0], key, headers=headers, params={"events": events})
        assert (answer.status_code, fields_of(answer)) == (400, {"Last-Event-ID"})
    async with listening(served[0], place=first.place, events="session.*") as second:
        await happens(served[0], "s-2")
        assert await second.names(1) == ["s-2"]
    await happens(served[0], "s-3", key=another)
    token = {"_data": first.place.partition(".")[2]}
    theirs = [{"$match": {"fullDocument.merchantId": {"$ne": "default"}}}]
    with pytest.raises(OperationFailure, match="cannot resume stream"):
        await _watched_next(database, theirs, token)


async def _watched_next(database: Database, stages: list[Row], after: Row) -> None:
    async with await database["outbox"].watch(stages, resume_after=after) as watched:
        await watched.next()


async def test_a_stream_ends_with_its_key(
    served: Served, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "ASK_EVERY_S", 0)
    key = await key_of_another_merchant(clock)
    async with listening(served[0], key) as other, listening(served[0]) as ours:
        await ApiKey.get_pymongo_collection().delete_many({"merchantId": "another"})
        clock.advance(REMEMBERED_FOR)
        assert await other.next() is None
        await happens(served[0], "s-1")
        assert await ours.names(1) == ["s-1"]


async def test_who_listens_is_known_to_all_processes_for_as_long_as_they_do(
    served: Served, clock: ManualClock
) -> None:
    here, beside = served[1].state.streams, Listeners(clock)
    await beside.refresh()
    assert not beside.hears("default", "payment.succeeded")
    async with listening(served[0]):
        await beside.refresh()
        assert beside.hears("default", "payment.succeeded")
        assert not beside.hears("another", "payment.succeeded")
        clock.advance(SPAN)
        await here._go_on("default", _admitted)  # as it does every few seconds
        await beside.refresh()
        assert beside.hears("default", "payment.succeeded")
    clock.advance(SPAN)
    await beside.refresh()
    assert not beside.hears("default", "payment.succeeded")


async def test_a_stream_ends_when_the_server_stops(served: Served) -> None:
    async with listening(served[0]) as one:
        served[1].state.streams.stopping.set()
        assert await one.next() is None
    await until_none_listens(served[1].state.streams)


async def test_a_merchant_has_so_many_streams_and_no_more(
    served: Served, clock: ManualClock
) -> None:
    address, app = served
    async with AsyncExitStack() as stack:
        for _ in range(MOST_OF_A_MERCHANT):
            await stack.enter_async_context(listening(address))
        answer = await refused(address)
        assert (answer.status_code, answer.json()["error"]) == (429, "too_many_streams")
        assert answer.headers["Retry-After"]
        # One who has all of theirs takes nothing from another.
        await stack.enter_async_context(listening(address, await key_of_another_merchant(clock)))
    await until_none_listens(app.state.streams)
    async with listening(address) as one:
        await happens(address, "s-1")
        assert await one.names(1) == ["s-1"]


async def _admitted() -> None:
    return None


async def test_what_one_who_does_not_read_may_keep_waiting_is_bounded(
    served: Served, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "ROOM", 3)
    streams = Streams(asyncio.Event(), Listeners(clock))
    pieces = await streams.listen(Wanted("default", ["*"]), _admitted)
    await happens(served[0], *(f"s-{number}" for number in range(6)))
    [reading] = streams.under_way
    taken = [await anext(pieces) for _ in range(7)]
    # The first says how to come back.
    assert sum(b"session.canceled" in piece for piece in taken) == 6
    await happens(served[0], *(f"t-{number}" for number in range(6)))
    monkeypatch.setattr(operations, "STALLED_S", 0)
    await asyncio.wait({reading})
    left = [piece async for piece in pieces]
    assert len(left) <= operations.ROOM
    assert not streams.under_way
