"""The catalog over HTTP: set, listed, removed, on the record, one merchant apart from another."""

from typing import Any

import pytest

from service.core.clock import ManualClock
from service.core.principal import Kind
from service.storage.database import Database
from tests.sessions.asking import (
    fields_of,
    key_of_another_merchant,
    problem,
    put_coupon,
    put_price,
)
from tests.support.api import ADMIN, JOBS, PUBLISHABLE, SECRET, Api

_PRICES, _COUPONS = "/api/admin/prices", "/api/admin/coupons"


async def _catalog(api: Api, key: str = ADMIN) -> dict[str, Any]:
    answer = await api.call("GET", _PRICES, key)
    assert answer.status_code == 200
    listed: dict[str, Any] = answer.json()
    return listed


async def test_a_price_is_set_and_set_again(api: Api, database: Database) -> None:
    body = {"currency": "usd", "amount": 100, "title": "Gold", "trialDays": 14}
    answer = await api.call("PUT", f"{_PRICES}/gold", ADMIN, json=body)
    price = answer.json()
    assert price | body | {"currency": "USD", "item": "gold"} == price
    await put_price(api, "gold", 200)
    await put_price(api, "gold", 190, "EUR")
    listed = (await _catalog(api))["prices"]
    assert [(one["item"], one["currency"], one["amount"]) for one in listed] == [
        ("gold", "EUR", 190),
        ("gold", "USD", 200),
    ]
    assert listed[1]["title"] is None  # a PUT replaces the whole
    assert await database["audit_log"].count_documents({"action": "price.set"}) == 3


async def test_a_coupon_is_set_and_listed(api: Api) -> None:
    await put_coupon(api, "B", basisPoints=10_000)
    await put_coupon(api, "A", amount=500, currency="usd", expiresAt="2027-01-01T00:00:00Z")
    listed = (await _catalog(api))["coupons"]
    assert [(one["code"], one["basisPoints"], one["amount"]) for one in listed] == [
        ("A", None, 500),
        ("B", 10_000, None),
    ]


async def test_what_is_removed_is_gone_and_on_the_record(api: Api, database: Database) -> None:
    await put_price(api, "gold", 100)
    await put_coupon(api, "ADVENT", basisPoints=100)
    for path in (f"{_PRICES}/gold?currency=USD", f"{_COUPONS}/ADVENT"):
        removed = await api.call("DELETE", path, ADMIN)
        assert (removed.status_code, removed.content) == (204, b"")
        problem(await api.call("DELETE", path, ADMIN), 404, "price_not_found")
    assert await _catalog(api) == {"prices": [], "coupons": []}
    actions = [row["action"] async for row in database["audit_log"].find({})]
    assert sorted(actions) == ["coupon.removed", "coupon.set", "price.removed", "price.set"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"amount": 100},
        {"currency": "USD"},
        {"basisPoints": 100, "amount": 100, "currency": "USD"},
        {"basisPoints": 100, "amount": 100},
        {"basisPoints": 100, "currency": "USD"},
        {"basisPoints": 10_001},
        {"basisPoints": 0},
        {"basisPoints": 12.5},
    ],
)
async def test_a_coupon_is_a_part_or_an_amount(
    api: Api, database: Database, body: dict[str, Any]
) -> None:
    answer = await api.call("PUT", f"{_COUPONS}/ADVENT", ADMIN, json=body)
    problem(answer, 400, "invalid_request")
    assert fields_of(answer) == {"basisPoints"}
    assert await database["coupons"].count_documents({}) == 0


async def test_a_price_to_remove_needs_its_currency(api: Api) -> None:
    for query in ("", "?currency=usd", "?currency=USDX"):
        answer = await api.call("DELETE", f"{_PRICES}/gold{query}", ADMIN)
        problem(answer, 400, "invalid_request")
        assert fields_of(answer) == {"currency"}


@pytest.mark.parametrize("item", ["x" * 101, "%00", "a%0Ab", "%1b"])
async def test_an_item_that_no_session_could_name_is_refused(
    api: Api, database: Database, item: str
) -> None:
    for path, body in (
        (f"{_PRICES}/{item}", {"currency": "USD", "amount": 1}),
        (f"{_COUPONS}/{item}", {"basisPoints": 1}),
    ):
        answer = await api.call("PUT", path, ADMIN, json=body)
        problem(answer, 400, "invalid_request")
        assert fields_of(answer) & {"item", "code"}
    assert await database["prices"].count_documents({}) == 0


async def test_only_operators_set_prices_and_for_their_merchant(
    api: Api, clock: ManualClock
) -> None:
    body = {"currency": "USD", "amount": 1}
    for key in (PUBLISHABLE, SECRET, JOBS):
        problem(await api.call("PUT", f"{_PRICES}/gold", key, json=body), 403, "forbidden")
    other = await key_of_another_merchant(clock, Kind.ADMIN)
    assert (await api.call("PUT", f"{_PRICES}/gold", other, json=body)).status_code == 200
    assert await _catalog(api) == {"prices": [], "coupons": []}
    assert len((await _catalog(api, other))["prices"]) == 1
