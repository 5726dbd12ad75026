"""What one merchant's receivers take of a process: never so much that another's wait for them."""

import asyncio

import pytest

from service.core.principal import Kind, Principal
from service.merchants.documents import Merchant
from service.merchants.operations.changing import add_merchant
from service.merchants.operations.merchants import Merchants
from service.notifications.endpoints.operations.changing import Wish, add_endpoint
from service.notifications.endpoints.sending import sender as sending
from service.notifications.endpoints.sending.client import Client
from service.notifications.endpoints.sending.lines import AT_ONCE_EACH
from tests.notifications.receivers import Got, Stream, hangs, receiving
from tests.notifications.telling import OPERATOR, endpoint, fan_out, sender_of, services_of, tell
from tests.support.patience import IN_TIME
from tests.support.shop import Shop

OTHER = Principal(Kind.ADMIN, "other", key_id="0123456789ab", name="theirs")
ENDPOINTS = sending.AT_ONCE // AT_ONCE_EACH + 10
EVENTS = AT_ONCE_EACH


@pytest.mark.parametrize("most", [sending.MOST_OF_ONE, 10**6], ids=["shared", "control"])
async def test_a_merchant_with_many_slow_receivers_holds_up_no_other(
    shop: Shop, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than may be under way, and what is the other's is due last."""
    monkeypatch.setattr(sending, "MOST_OF_ONE", most)
    other = Merchant.unnamed("other", shop.clock.now())
    await add_merchant(Merchants(shop.clock), other, OPERATOR)
    enough = asyncio.Event()

    async def hangs_with_all(got: Got, writer: Stream) -> None:
        if len(hanging.got) == sending.AT_ONCE:
            enough.set()
        await hangs(got, writer)

    async def takes(got: Got, writer: Stream) -> None:
        enough.set()

    async with receiving(hangs_with_all) as hanging, receiving(takes) as well:
        await fan_out(shop)
        for _ in range(ENDPOINTS):
            await add_endpoint(services_of(shop), Wish(hanging.url(), ("session.*",)), OPERATOR)
        await endpoint(shop, well.url(), "session.*", by=OTHER)
        await tell(shop, *(f"{n}" for n in range(EVENTS)))
        shop.pass_time(seconds=1)
        await tell(shop, "theirs", merchant="other")
        sender = sender_of(shop, client := Client(services_of(shop).addresses))
        await sender.look()
        async with asyncio.timeout(IN_TIME):
            await enough.wait()
        assert bool(well.got) is (most < 10**6)
        for task in sender.under_way.values():
            task.cancel()
        await asyncio.wait(sender.under_way.values())
        client.close()
