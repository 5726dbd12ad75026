"""While nothing is due a server hardly asks for it, and what it writes itself is taken at once."""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from msgspec.structs import replace

from service import background as looking
from service.background import background
from service.core.lanes import lane_of, lanes_of, wanted_by
from service.core.news import News
from service.inbox.repository import find_waiting_lane
from service.leases import loops
from service.outbox import repository as outbox
from service.outbox.operations.messages import message
from service.outbox.operations.subscribers import Subscriber
from service.retention.operations.report import Jobs
from service.storage.plain import NO_TRANSACTION
from service.wiring import at_provider
from tests.outbox.subscribing import subscriber
from tests.support.patience import IN_TIME
from tests.support.profiled import profiled
from tests.support.shop import Shop

LANES = lanes_of({"stripe", "razorpay"})
ROUNDS = 20
# What a control waits for, which never comes: however long, it passes.
_NEVER_S = 0.5
# Who hears what is read once.
_AT_ITS_START = {"subscribers"}


def _jobs(shop: Shop, **changes: Any) -> Jobs:
    """Return the jobs of a server that has not stopped: the application is another test's too."""
    return replace(shop.api.container.jobs, stopping=asyncio.Event(), **changes)


async def _idle(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> float:
    """Let a server be idle for some rounds; return how many seconds it rested."""
    rested: list[float] = []
    over = asyncio.Event()

    async def rests(_: asyncio.Event, seconds: float) -> bool:
        rested.append(seconds)
        await asyncio.sleep(0)
        if len(rested) == ROUNDS:
            over.set()
            await asyncio.Event().wait()
        return False

    monkeypatch.setattr(looking, "comes", rests)
    monkeypatch.setattr(loops, "LET_GO_AFTER_S", 0.1)
    async with asyncio.timeout(IN_TIME), background(_jobs(shop)):
        await over.wait()
    return sum(rested)


async def test_an_idle_server_asks_about_once_a_second(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with profiled(shop.database) as done:
        seconds = await _idle(shop, monkeypatch)
    asked = Counter(row["ns"].partition(".")[2] for row in done)
    looks = {name: count for name, count in asked.items() if name not in _AT_ITS_START}
    assert looks == {"deliveries": ROUNDS, "webhook_events": ROUNDS}
    assert 2 * ROUNDS / seconds < 1.2  # it was ten times as much


async def test_control_without_rest_it_asks_ever_so_often(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "LONGEST_S", looking.SHORTEST_S)
    assert 2 * ROUNDS / await _idle(shop, monkeypatch) > 10


def _closes(handle: Any) -> Subscriber:
    return subscriber(
        handle, "closes", "provider.close_checkout", destination=at_provider, always=True
    )


def _closing(shop: Shop, provider: str) -> dict[str, Any]:
    about = {"merchant_id": "default", "session_id": "s", "payload": {"provider": provider}}
    return message("provider.close_checkout", provider, now=shop.clock.now(), **about)


async def _takes(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, within_s: float = IN_TIME
) -> list[str]:
    """Write two messages beside a server that rests for an hour; return those that were taken."""
    taken: list[str] = []
    both, resting = asyncio.Event(), asyncio.Event()

    async def take(_: Any, one: Any) -> None:
        taken.append(one.payload["provider"])
        if len(taken) == 2:
            both.set()

    comes = looking.comes

    async def rests(event: asyncio.Event, seconds: float) -> bool:
        resting.set()
        return await comes(event, 3600.0 if seconds > looking.SHORTEST_S else seconds)

    monkeypatch.setattr(looking, "comes", rests)
    async with background(_jobs(shop, subscribers=(_closes(take),))):
        await resting.wait()
        await outbox.add_once([_closing(shop, "stripe"), _closing(shop, "nobody")], NO_TRANSACTION)
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await both.wait()
    return sorted(taken)


async def test_what_a_server_writes_itself_wakes_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _takes(shop, monkeypatch) == ["nobody", "stripe"]


async def test_control_unless_it_is_told_it_rests_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(News, "notify", lambda *_: None)
    assert await _takes(shop, monkeypatch, _NEVER_S) == []


async def _delivered_beside_a_failing_look(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, within_s: float = IN_TIME
) -> bool:
    """Return whether a message is delivered where each look at the inbox fails."""
    failed, taken = asyncio.Event(), asyncio.Event()

    async def fails(*_: object) -> None:
        failed.set()
        raise RuntimeError("the inbox can't be looked at")

    async def take(*_: object) -> None:
        taken.set()

    monkeypatch.setattr(looking, "lane_of_waiting", fails)
    async with background(_jobs(shop, subscribers=(_closes(take),))):
        await failed.wait()
        await outbox.add_once([_closing(shop, "stripe")], NO_TRANSACTION)
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await taken.wait()
    return taken.is_set()


async def test_a_look_that_fails_keeps_no_message_from_being_delivered(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _delivered_beside_a_failing_look(shop, monkeypatch)


async def test_control_one_after_the_other_the_first_keeps_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def one_after_the_other(*looks: Any) -> None:
        first, *others = looks
        for look in others:
            look.close()
        with suppress(RuntimeError):
            await first

    monkeypatch.setattr(looking.Kind, "look", looking.Kind._begin)
    monkeypatch.setattr(asyncio, "gather", one_after_the_other)
    assert not await _delivered_beside_a_failing_look(shop, monkeypatch, _NEVER_S)


async def test_a_row_without_a_provider_is_of_the_lane_of_others(shop: Shop) -> None:
    now = shop.clock.now()
    row = {"_id": "odd", "status": "parked", "nextAttemptAt": now}
    await shop.database["webhook_events"].insert_one(row)
    found = await find_waiting_lane(shop.clock, LANES)
    assert found == LANES[-1]


def test_news_wake_those_who_wait_for_their_kind() -> None:
    news = News()
    with news.subscribed({"a"}) as one, news.subscribed({"b"}) as other:
        news.notify({"a", "c"})
        assert (one.is_set(), other.is_set()) == (True, False)
    news.notify({"b"})
    assert not other.is_set()


@pytest.mark.parametrize(
    ("free", "wanted"),
    [
        (LANES, {}),
        (LANES[1:], {"p": {"$nin": ["razorpay"]}}),
        (LANES[:2], {"p": {"$in": ["razorpay", "stripe"]}}),
    ],
)
def test_one_look_is_for_all_lanes_that_are_free(free: Any, wanted: dict[str, Any]) -> None:
    assert wanted_by(free, "p") == wanted
    assert lane_of("stripe", free) == LANES[1]
    assert lane_of("razorpay", LANES[1:]) == LANES[2]
    assert lane_of(None, LANES[:2]) is None
