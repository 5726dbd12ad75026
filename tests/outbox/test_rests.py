"""Those who are told wait for those who pay: a busy process rests between its turns."""

import asyncio
import math

import pytest

from service.core.batches import Until
from service.outbox.operations import post as posting
from service.outbox.operations.post import Post
from tests.outbox.subscribing import Listener, born, deliveries, subscriber, write
from tests.support.patience import IN_TIME
from tests.support.shop import Shop

HOUR_S = 3600.0


async def _heard_by_the_looks_after_a_dispatch(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, *, busy: bool
) -> int:
    """Return how many deliveries were begun by then, of one message; then stop."""
    monkeypatch.setattr(posting, "BUSY", -1.0 if busy else math.inf)
    monkeypatch.setattr(posting, "REST_A_ROW_S", HOUR_S)
    monkeypatch.setattr(posting, "REST_AT_MOST_S", HOUR_S)
    listener, stopping = Listener(), asyncio.Event()
    post = Post([subscriber(listener)], shop.clock, Until(math.inf, stopping))
    await born(shop.clock, subscriber(listener))
    await write(shop, "m")
    await shop.database["leases"].delete_many({})
    async with asyncio.timeout(IN_TIME):
        await post.look()
        while not await shop.database["leases"].count_documents(
            {"_id": "dispatch", "holder": None}
        ):
            continue
        for _ in range(50):
            await deliveries(shop)
            await post.look()
        heard = len(listener.got)
        stopping.set()
        while post.under_way:
            await asyncio.wait(post.under_way.values())
            await post.look()
    return heard


async def test_a_busy_process_rests_after_a_turn_until_it_is_stopped(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _heard_by_the_looks_after_a_dispatch(shop, monkeypatch, busy=True) == 0


async def test_control_one_that_has_little_to_do_goes_on_at_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _heard_by_the_looks_after_a_dispatch(shop, monkeypatch, busy=False) == 1
