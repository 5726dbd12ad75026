"""What a process knows of merchants: for how long, and that no request asks for it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from service.core.clock import ManualClock
from service.core.errors import Unavailable
from service.core.principal import DEFAULT_MERCHANT, Kind, Principal
from service.merchants import repository
from service.merchants.documents import Merchant
from service.merchants.errors import MerchantMissing, MerchantSuspended
from service.merchants.operations.changing import add_merchant, suspend_merchant
from service.merchants.operations.merchants import REMEMBERED_FOR, Merchants
from service.storage.database import Client, Row
from tests.merchants.asking import keys_of, suspend
from tests.storage.failing import failing
from tests.support.api import SECRET
from tests.support.profiled import profiled
from tests.support.shop import Shop

BY = Principal(Kind.ADMIN, "alpha", "cli")
CALLER = Principal(Kind.SECRET, "alpha", "key")


async def test_another_process_knows_of_a_change_within_five_seconds(shop: Shop) -> None:
    assert timedelta(seconds=5) == REMEMBERED_FOR
    await keys_of(shop)
    ours, others = Merchants(shop.clock), Merchants(shop.clock)
    for one in (ours, others):
        await one.admit(CALLER)
    await suspend_merchant(ours, "alpha", "why", BY)
    with pytest.raises(MerchantSuspended):  # at once where it was done
        await ours.admit(CALLER)
    await others.admit(CALLER)
    shop.clock.advance(REMEMBERED_FOR - timedelta(milliseconds=1))
    await others.admit(CALLER)
    shop.clock.advance(timedelta(milliseconds=1))
    with pytest.raises(MerchantSuspended):
        await others.admit(CALLER)


async def test_a_clock_that_was_set_back_makes_nothing_last_longer(shop: Shop) -> None:
    await keys_of(shop)
    ours, others = Merchants(shop.clock), Merchants(shop.clock)
    await others.admit(CALLER)
    await suspend_merchant(ours, "alpha", "why", BY)
    shop.clock.advance(-timedelta(minutes=10))
    with pytest.raises(MerchantSuspended):
        await others.admit(CALLER)


async def test_what_was_read_before_a_change_is_not_kept_after_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keys_of(shop)
    merchants, read, go_on = Merchants(shop.clock), asyncio.Event(), asyncio.Event()
    find = repository.find

    async def slow(merchant_id: str, *tx: Any) -> Merchant | None:
        found = await find(merchant_id, *tx)
        if not tx:
            read.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(repository, "find", slow)
    under_way = asyncio.create_task(merchants.admit(CALLER))
    await read.wait()
    await suspend_merchant(merchants, "alpha", "why", BY)
    go_on.set()
    await under_way  # began before
    with pytest.raises(MerchantSuspended):
        await merchants.admit(CALLER)


async def test_a_key_of_a_merchant_that_is_not_there_is_told_so_and_the_first_always_is(
    shop: Shop,
) -> None:
    key = (await keys_of(shop))[Kind.SECRET]
    await shop.database["merchants"].delete_many({})
    answer = await shop.api.call("GET", "/api/payment-sessions?userId=u", key)
    assert (answer.status_code, answer.json()["error"]) == (403, "merchant_missing")
    assert (await Merchants(shop.clock).of(DEFAULT_MERCHANT)).suspended is None
    with pytest.raises(MerchantMissing):
        await Merchants(shop.clock).of("alpha")


async def test_one_that_is_added_here_is_known_at_once(shop: Shop) -> None:
    ours, others = Merchants(shop.clock), Merchants(shop.clock)
    for one in (ours, others):
        with pytest.raises(MerchantMissing):
            await one.admit(CALLER)
    await add_merchant(ours, Merchant.unnamed("alpha", shop.clock.now()), BY)
    await ours.admit(CALLER)
    with pytest.raises(MerchantMissing):  # the control: another process notices later
        await others.admit(CALLER)


async def test_a_database_that_does_not_answer_is_no_leave_to_go_on(
    shop: Shop, client: Client
) -> None:
    await keys_of(shop)
    async with failing(client, ["find"], errorCode=50):
        with pytest.raises(Unavailable):
            await Merchants(shop.clock).admit(CALLER)


async def _create(shop: Shop, n: int) -> None:
    await shop.api.open(sessionId=f"s-{n}", currency="USD")


async def _read(shop: Shop, n: int) -> None:
    await shop.api.read("s-0")


async def _webhook(shop: Shop, n: int) -> None:
    session = {"sessionId": f"s-{n}", "amount": 1000, "currency": "USD"}
    assert (await shop.api.told(shop.stripe_paid(session)))["outcome"] == "processed"


Work = Callable[[Shop, int], Awaitable[None]]
TIMES = 5


async def _asked(shop: Shop, work: Work) -> Counter[str]:
    """Return how often each collection was asked in some rounds of a work."""
    async with profiled(shop.database) as done:
        for n in range(TIMES):
            await work(shop, n)
    return Counter(_collection(one) for one in done)


def _collection(done: Row) -> str:
    return str(done["ns"]).partition(".")[2]


async def test_to_create_to_read_and_to_take_in_a_webhook_asks_nothing_more(shop: Shop) -> None:
    """The control is another process, which has not asked yet: it asks once, and never for one."""
    await shop.api.call("GET", "/api/payment-sessions/nothing", SECRET)
    asked = {work.__name__: await _asked(shop, work) for work in (_create, _read, _webhook)}
    assert asked["_create"] == {"sessions": TIMES}
    assert asked["_read"] == {"sessions": TIMES}
    assert asked["_webhook"]["webhook_events"] >= TIMES
    assert all(counts["merchants"] == 0 for counts in asked.values())
    shop.api.container.merchants.forget(DEFAULT_MERCHANT)
    assert await _asked(shop, _read) == {"sessions": TIMES, "merchants": 1}
    shop.clock.advance(REMEMBERED_FOR)
    assert await _asked(shop, _read) == {"sessions": TIMES, "merchants": 1}


async def test_a_suspension_by_a_route_holds_for_the_next_request(
    shop: Shop, clock: ManualClock
) -> None:
    key = (await keys_of(shop))[Kind.SECRET]
    assert (await shop.api.call("GET", "/api/payment-sessions?userId=u", key)).status_code == 200
    before = clock.now()
    await suspend(shop)
    assert (await shop.api.call("GET", "/api/payment-sessions?userId=u", key)).status_code == 403
    assert clock.now() == before
