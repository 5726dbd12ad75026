"""Messages that are held back: for as long as their writer meant, unless somebody hurries them."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from service.core.clock import Clock
from service.outbox import repository
from service.outbox.operations import dispatch as dispatching
from service.outbox.operations.dispatch import dispatch
from service.outbox.operations.subscribers import Subscriber
from service.outbox.repository import About
from service.storage.plain import NO_TRANSACTION
from tests.leases.clocks import Shifted
from tests.outbox.subscribing import TOPIC, Listener, deliver, deliveries, row_of, subscriber, write
from tests.outbox.test_dispatch import FOREVER
from tests.support.shop import Shop

HELD = timedelta(hours=1)
OF_THE_SESSION = About(TOPIC, "default", "s-1")


def _hears() -> Subscriber:
    return replace(subscriber(Listener()), always=True)


async def _held_back(shop: Shop, clock: Clock) -> None:
    times = {"createdAt": clock.now(), "heldUntil": clock.now() + HELD}
    await repository.add_once([row_of(shop) | times], NO_TRANSACTION)


@pytest.mark.parametrize("minutes", [-10, 0, 10])
async def test_it_is_held_back_for_as_long_as_its_writer_meant(shop: Shop, minutes: int) -> None:
    """A writer whose clock is slow is believed as to the end: it is delivered too early at most."""
    writer = Shifted(timedelta(minutes=minutes))
    hears = _hears()
    await _held_back(shop, writer)
    assert await deliver(writer, hears) == 0
    [row] = await deliveries(shop)
    assert row["nextAttemptAt"] - row["createdAt"] == pytest.approx(
        HELD + timedelta(minutes=min(minutes, 0)), abs=timedelta(minutes=1)
    )
    assert (row["attempts"], row["status"]) == (0, "pending")


async def test_hurried_it_is_delivered_at_once_whether_it_was_dispatched_or_not(
    shop: Shop,
) -> None:
    hears = _hears()
    for dispatched in (False, True):
        await shop.database["outbox"].delete_many({})
        await shop.database["deliveries"].delete_many({})
        await _held_back(shop, shop.clock)
        if dispatched:
            assert await deliver(shop.clock, hears) == 0
        await repository.hurry(OF_THE_SESSION, shop.clock)
        assert await deliver(shop.clock, hears) == 1


async def test_what_was_tried_already_is_not_hurried(shop: Shop) -> None:
    """It failed, and waits for that."""
    hears = replace(subscriber(Listener(failures=1)), always=True)
    await write(shop)
    assert await deliver(shop.clock, hears) == 0
    await repository.hurry(OF_THE_SESSION, shop.clock)
    assert await deliver(shop.clock, hears) == 0
    shop.pass_time(seconds=2)
    assert await deliver(shop.clock, hears) == 1


@pytest.mark.parametrize("other", [{"topic": "another"}, {"session_id": "s-2"}])
async def test_control_hurry_leaves_what_is_of_something_else(
    shop: Shop, other: dict[str, str]
) -> None:
    about = {"topic": TOPIC, "session_id": "s-1"} | other
    hears = _hears()
    await _held_back(shop, shop.clock)
    await repository.hurry(About(about["topic"], "default", about["session_id"]), shop.clock)
    assert await deliver(shop.clock, hears) == 0


async def test_one_call_dispatches_more_than_one_batch(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatching, "AT_ONCE", 2)
    await write(shop, *(str(n) for n in range(5)))
    assert (await dispatch([_hears()], shop.clock, FOREVER)).messages == 5
    assert len(await deliveries(shop)) == 5


async def test_what_an_older_version_wrote_without_the_databases_time_is_delivered(
    shop: Shop,
) -> None:
    """To those that hear always: nobody can tell whether another was born before it."""
    await deliver(shop.clock, subscriber(Listener(), "new"))
    await write(shop)
    await shop.database["outbox"].update_one({}, {"$unset": {"writtenAt": 1}})
    await deliver(shop.clock, _hears(), subscriber(Listener(), "new"))
    assert [row["_id"] for row in await deliveries(shop)] == ["test.topic:1:test"]
