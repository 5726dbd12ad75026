"""A key, a price and a coupon belong to a merchant that exists, or they are not made."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from service.catalog.documents import Coupon, Price
from service.catalog.operations.prices import set_coupon, set_price
from service.core.principal import Kind, Principal
from service.merchants.documents import Merchant
from service.merchants.errors import MerchantExists, MerchantNotFound
from service.merchants.operations.changing import add_default, add_merchant
from service.merchants.operations.keys import issue_key
from service.merchants.operations.merchants import Merchants
from service.notifications.endpoints.operations.changing import Wish, add_endpoint
from service.storage.plain import NO_TRANSACTION
from service.web.keys.issuing import make_key
from tests.support.shop import Shop

Make = Callable[[Shop, str], Awaitable[object]]


def _by(merchant: str) -> Principal:
    return Principal(Kind.ADMIN, merchant, "cli")


async def _key(shop: Shop, merchant: str) -> None:
    made = make_key(shop.clock, Kind.SECRET, merchant_id=merchant)
    await issue_key(shop.clock, made, _by(merchant))


async def _price(shop: Shop, merchant: str) -> None:
    now = shop.clock.now()
    price = Price(merchant_id=merchant, item="x", currency="USD", amount=1, updated_at=now)
    await set_price(price, _by(merchant))


async def _coupon(shop: Shop, merchant: str) -> None:
    now = shop.clock.now()
    coupon = Coupon(merchant_id=merchant, code="X", basis_points=1, updated_at=now)
    await set_coupon(coupon, _by(merchant))


async def _endpoint(shop: Shop, merchant: str) -> None:
    wish = Wish("http://127.0.0.1:9/hook", ("*",))
    await add_endpoint(shop.api.container.endpoints, wish, _by(merchant))


MADE: dict[str, Make] = {
    **{"api_keys": _key, "prices": _price, "coupons": _coupon},
    "webhook_endpoints": _endpoint,
}


@pytest.mark.parametrize("merchant", ["acme", "nobody"])  # before and after "default"
@pytest.mark.parametrize("collection", MADE)
async def test_nothing_is_made_for_a_merchant_that_does_not_exist(
    shop: Shop, collection: str, merchant: str
) -> None:
    make, rows = MADE[collection], shop.database[collection]
    with pytest.raises(MerchantNotFound, match="tillgate merchants add"):
        await make(shop, merchant)
    assert await rows.count_documents({}) == 0
    assert await shop.database["audit_log"].count_documents({}) == 0
    new = Merchant.unnamed(merchant, shop.clock.now())
    await add_merchant(Merchants(shop.clock), new, _by(merchant))
    await make(shop, merchant)
    await make(shop, "default")  # which is always there
    assert {row["merchantId"] async for row in rows.find()} == {merchant, "default"}


async def test_of_many_that_add_one_merchant_at_once_one_does(shop: Shop) -> None:
    merchant, merchants = Merchant.unnamed("alpha", shop.clock.now()), Merchants(shop.clock)
    calls = (add_merchant(merchants, merchant, _by("alpha")) for _ in range(8))
    done = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(one, Merchant) for one in done) == 1
    assert sum(isinstance(one, MerchantExists) for one in done) == 7
    assert await shop.database["audit_log"].count_documents({"action": "merchant.added"}) == 1


async def test_the_first_merchant_is_made_once_and_never_written_over(shop: Shop) -> None:
    await add_default(shop.clock.now(), NO_TRANSACTION)
    await shop.database["merchants"].update_one({"_id": "default"}, {"$set": {"name": "Ours"}})
    [before] = await shop.database["merchants"].find().to_list()
    shop.pass_time(days=1)
    await add_default(shop.clock.now(), NO_TRANSACTION)
    assert await shop.database["merchants"].find().to_list() == [before]
    assert before == Merchant.model_validate(before).to_row()
