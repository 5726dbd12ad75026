"""What a browser pays is decided by the catalog, whatever it sends."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.catalog.documents import Coupon
from service.catalog.operations.quote import Wanted, discounted
from service.core.clock import ManualClock
from service.storage.database import Database
from tests.conftest import NOON
from tests.sessions.asking import (
    CHECKOUTS,
    PAYMENTS,
    checkout_body,
    fields_of,
    payment_body,
    problem,
    put_coupon,
    put_price,
)
from tests.support.api import PUBLISHABLE, Api


def _browser_body(**changes: Any) -> dict[str, Any]:
    usual = {"paymentMethod": "stripe", "currency": "USD", "amount": None, "metadata": None}
    return payment_body(**(usual | changes))


async def _amount(api: Api, **changes: Any) -> Any:
    answer = await api.call("POST", PAYMENTS, PUBLISHABLE, json=_browser_body(**changes))
    assert answer.status_code == 201, answer.text
    return answer.json()["session"]["amount"]


async def test_the_total_is_the_unit_times_the_quantity(api: Api) -> None:
    await put_price(api, "event_456", 1250)
    assert await _amount(api, quantity=3) == 3750


@pytest.mark.parametrize(
    ("coupon", "total"),
    [
        ({"basisPoints": 2500}, 750),
        ({"basisPoints": 3333}, 667),
        ({"amount": 999, "currency": "USD"}, 1),
        ({"amount": 1000, "currency": "USD"}, 0),
        ({"amount": 5000, "currency": "USD"}, 0),
        ({"basisPoints": 10000}, 0),
        ({"basisPoints": 100, "expiresAt": "2026-11-21T12:00:00.001Z"}, 990),
    ],
)
async def test_a_coupon_lowers_the_total(
    api: Api, database: Database, coupon: dict[str, Any], total: int
) -> None:
    await put_price(api, "event_456", 1000)
    await put_coupon(api, "ADVENT", **coupon)
    assert await _amount(api, couponCode="ADVENT") == total
    stored = await database["sessions"].find_one({})
    assert stored is not None
    assert stored["freeAllowed"] is (total == 0)


@pytest.mark.parametrize(
    "coupon",
    [
        None,
        {"amount": 100, "currency": "EUR"},
        {"basisPoints": 100, "expiresAt": "2026-11-21T12:00:00Z"},
    ],
)
async def test_a_coupon_that_does_not_hold_is_named(
    api: Api, coupon: dict[str, Any] | None
) -> None:
    await put_price(api, "event_456", 1000)
    if coupon:
        await put_coupon(api, "ADVENT", **coupon)
    body = _browser_body(couponCode="ADVENT")
    answer = await api.call("POST", PAYMENTS, PUBLISHABLE, json=body)
    problem(answer, 400, "coupon_unknown")
    assert fields_of(answer) == {"couponCode"}


async def test_an_amount_that_is_sent_must_be_the_catalogs(api: Api, database: Database) -> None:
    await put_price(api, "event_456", 1000)
    answer = await api.call("POST", PAYMENTS, PUBLISHABLE, json=_browser_body(amount=1))
    problem(answer, 400, "amount_mismatch")
    assert fields_of(answer) == {"amount"}
    assert await database["sessions"].count_documents({}) == 0
    assert await _amount(api, amount=1000) == 1000


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"passId": "p"}, "passId"), ({}, "eventId")],
)
async def test_an_item_without_a_price_is_named(
    api: Api, changes: dict[str, Any], field: str
) -> None:
    await put_price(api, "event_456", 1000, "EUR")
    body = _browser_body(amount=1000, **changes)
    answer = await api.call("POST", PAYMENTS, PUBLISHABLE, json=body)
    problem(answer, 400, "item_has_no_price")
    assert fields_of(answer) == {field}


async def test_so_many_that_no_amount_holds_their_price_are_refused(api: Api) -> None:
    await put_price(api, "event_456", 2**53 - 1)
    answer = await api.call("POST", PAYMENTS, PUBLISHABLE, json=_browser_body(quantity=2))
    problem(answer, 400, "total_too_large")
    assert fields_of(answer) == {"quantity"}


async def test_another_merchants_prices_are_not_ours(
    api: Api, database: Database, clock: ManualClock
) -> None:
    await put_price(api, "event_456", 1000)
    await database["prices"].update_many({}, {"$set": {"merchantId": "another"}})
    answer = await api.call("POST", PAYMENTS, PUBLISHABLE, json=_browser_body())
    problem(answer, 400, "item_has_no_price")


async def test_a_server_without_an_amount_pays_the_catalogs_price(api: Api) -> None:
    await put_price(api, "premium", 2999)
    body = checkout_body(amount=None)
    answer = await api.call("POST", CHECKOUTS, json=body)
    assert answer.json()["session"]["amount"] == 2999


@pytest.mark.parametrize(("mode", "trial"), [("payment", None), ("subscription", 14)])
async def test_a_trial_begins_a_subscription_only(
    api: Api, database: Database, mode: str, trial: int | None
) -> None:
    await put_price(api, "premium", 2999, trialDays=14)
    body = checkout_body(amount=None, mode=mode)
    assert (await api.call("POST", CHECKOUTS, PUBLISHABLE, json=body)).status_code == 201
    stored = await database["sessions"].find_one({})
    assert stored is not None
    assert (stored["trialDays"], stored["freeAllowed"]) == (trial, trial is not None)


@pytest.mark.parametrize(
    ("price", "currency", "amount"),
    [("29.99", "USD", 2999), ("29", "USD", 2900), ("29.9", "USD", 2990), ("500", "JPY", 500)],
)
async def test_price_is_a_decimal_string_in_major_units(
    api: Api, price: str, currency: str, amount: int
) -> None:
    body = checkout_body(amount=None, price=price, currency=currency)
    answer = await api.call("POST", CHECKOUTS, json=body)
    assert answer.json()["session"]["amount"] == amount


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": "29.999", "amount": None}, "price"),
        ({"price": "500.5", "amount": None, "currency": "JPY"}, "price"),
        ({"price": "0", "amount": None}, "price"),
        ({"price": "0.00", "amount": None}, "price"),
        ({"price": "-1", "amount": None}, "price"),
        ({"price": "1e3", "amount": None}, "price"),
        ({"price": "NaN", "amount": None}, "price"),
        ({"price": "29,99", "amount": None}, "price"),
        ({"price": 29.99, "amount": None}, "price"),
        ({"price": 29, "amount": None}, "price"),
        ({"price": "9" * 30, "amount": None}, "price"),
        ({"price": "99999999999999.99", "amount": None}, "price"),
        ({"price": "29.99"}, "price"),
        ({"amount": 1005, "currency": "KWD"}, "amount"),
        ({"amount": 150, "currency": "ISK"}, "amount"),
    ],
)
async def test_a_price_that_can_not_be_charged_exactly_is_refused(
    api: Api, database: Database, changes: dict[str, Any], field: str
) -> None:
    answer = await api.call("POST", CHECKOUTS, json=checkout_body(**changes))
    problem(answer, 400, "invalid_request")
    assert fields_of(answer) == {field}
    assert await database["sessions"].count_documents({}) == 0


async def test_nor_is_a_total_of_the_catalogs_that_can_not_be_charged_exactly(api: Api) -> None:
    await put_price(api, "event_456", 335, "KWD")
    opened = _browser_body(currency="KWD", quantity=2)
    assert await _amount(api, currency="KWD", quantity=2, sessionId="two") == 670
    answer = await api.call("POST", PAYMENTS, PUBLISHABLE, json=opened | {"quantity": 3})
    problem(answer, 400, "invalid_request")
    assert fields_of(answer) == {"amount"}


_AMOUNTS = st.integers(1, 2**53 - 1)


@given(total=_AMOUNTS, basis_points=st.integers(1, 10_000))
def test_a_part_of_a_total_is_never_more_than_it_and_never_negative(
    total: int, basis_points: int
) -> None:
    coupon = _coupon(basis_points=basis_points)
    left = discounted(total, coupon, _wanted(), NOON)
    assert 0 <= left <= total
    assert (left == 0) == (basis_points == 10_000)
    # Rounded in the merchant's favour by less than one minor unit.
    assert 0 <= left * 10_000 - total * (10_000 - basis_points) < 10_000


@given(total=_AMOUNTS, amount=_AMOUNTS)
def test_an_amount_off_stops_at_zero(total: int, amount: int) -> None:
    coupon = _coupon(amount=amount, currency="USD")
    assert discounted(total, coupon, _wanted(), NOON) == max(total - amount, 0)


def _wanted() -> Wanted:
    return Wanted("premium", "plan", "USD", 1, "ADVENT")


def _coupon(**fields: Any) -> Coupon:
    # Not validated: a document needs its database, and these are pure.
    given = {"merchant_id": "default", "code": "ADVENT", "expires_at": NOON + timedelta(days=1)}
    return Coupon.model_construct(**(given | fields))
