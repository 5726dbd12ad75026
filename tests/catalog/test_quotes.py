"""The price that a page shows is the price that is charged: quotes hold, for what they are of."""

from datetime import timedelta
from typing import Any

import pytest

from service.catalog.operations import quote_id
from service.core.clock import ManualClock
from service.core.principal import Kind
from service.sessions.operations.opening import pricing
from service.storage.database import Database
from tests.sessions.asking import (
    CHECKOUTS,
    CREATE_CHECKOUT,
    PAYMENTS,
    checkout_body,
    fields_of,
    key_of_another_merchant,
    payment_body,
    problem,
    put_coupon,
    put_price,
    token_of,
)
from tests.support.api import ADMIN, PUBLISHABLE, SECRET, Api

_QUOTES = "/api/quotes"


async def _ask(api: Api, key: str = PUBLISHABLE, **body: Any) -> dict[str, Any]:
    answer = await api.call("POST", _QUOTES, key, json=body)
    assert answer.status_code == 200, answer.text
    quote: dict[str, Any] = answer.json()["quote"]
    return quote


async def _catalog(api: Api) -> None:
    await put_price(api, "concert", 1000, title="One evening", maxQuantity=4)
    await put_price(api, "concert", 2000, passId="vip")
    await put_price(api, "premium", 2999, trialDays=14)
    await put_coupon(api, "QUARTER", basisPoints=2500)


def _ticket(**changes: Any) -> dict[str, Any]:
    usual = {"paymentMethod": "stripe", "amount": None, "metadata": None, "sessionId": None}
    return payment_body(**(usual | {"eventId": "concert", "quantity": 3} | changes))


async def test_a_quote_says_what_each_line_is_and_the_lines_add_up(api: Api) -> None:
    await _catalog(api)
    quote = await _ask(api, items={"eventId": "concert"}, quantity=3, couponCode="QUARTER")
    assert quote.pop("quoteId").startswith("qt_")
    assert quote.pop("expiresAt") == "2026-11-21T12:15:00Z"
    lines = quote.pop("lines")
    assert quote == {"amount": 2250, "currency": "USD", "title": "One evening"}
    item = {"kind": "item", "title": "One evening", "quantity": 3, "unitAmount": 1000}
    coupon = {"kind": "coupon", "title": "QUARTER", "quantity": 1, "unitAmount": -750}
    assert lines == [
        {**item, "amount": 3000, "trialDays": None, "couponCode": None},
        {**coupon, "amount": -750, "trialDays": None, "couponCode": "QUARTER"},
    ]
    plan = await _ask(api, items={"plan": "premium"})
    assert (plan["amount"], plan["title"], plan["lines"][0]["trialDays"]) == (2999, "premium", 14)


async def test_a_session_opens_at_what_was_quoted_until_the_quote_runs_out(
    api: Api, clock: ManualClock
) -> None:
    await put_price(api, "concert", 2000, "INR", passId="vip")
    await put_coupon(api, "QUARTER", basisPoints=2500)
    items = {"eventId": "concert", "passId": "vip"}
    asked = {"items": items, "quantity": 3, "couponCode": "QUARTER", "currency": "INR"}
    quote = await _ask(api, token_of("user_123", clock), **asked)
    await put_price(api, "concert", 7000, "INR", passId="vip")
    body = _ticket(passId="vip", couponCode="QUARTER", quoteId=quote["quoteId"])
    clock.advance(timedelta(minutes=15, milliseconds=-1))
    for path, provider in ((CREATE_CHECKOUT, "upi"), (PAYMENTS, "stripe")):
        sent = body | {"sessionId": f"at-{provider}", "paymentMethod": provider}
        answer = await api.call("POST", path, PUBLISHABLE, json=sent)
        assert answer.status_code == 201, answer.text
        session = await api.read(f"at-{provider}")
        assert (session["amount"], session["currency"]) == (4500, "INR")
    clock.advance(timedelta(milliseconds=1))
    problem(await api.call("POST", PAYMENTS, PUBLISHABLE, json=body), 400, "quote_expired")
    proof = {"X-Client-Secret": answer.json()["clientSecret"]}
    # The very same call is a repetition of the first one.
    again = await api.call("POST", PAYMENTS, PUBLISHABLE, json=sent, headers=proof)
    assert again.status_code == 200, again.text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"eventId": "gala"}, "eventId"),
        ({"passId": "vip"}, "passId"),
        ({"quantity": 4}, "quantity"),
        ({"couponCode": None}, "couponCode"),
        ({"couponCode": "HALF"}, "couponCode"),
        ({"currency": "EUR"}, "currency"),
    ],
)
async def test_a_quote_of_something_else_opens_nothing(
    api: Api, database: Database, changes: dict[str, Any], field: str
) -> None:
    await _catalog(api)
    await put_price(api, "gala", 100_000)
    quote = await _ask(api, items={"eventId": "concert"}, quantity=3, couponCode="QUARTER")
    body = _ticket(couponCode="QUARTER", quoteId=quote["quoteId"]) | changes
    body = {name: value for name, value in body.items() if value is not None}
    answer = await api.call("POST", PAYMENTS, PUBLISHABLE, json=body)
    problem(answer, 400, "quote_differs")
    assert fields_of(answer) == {field}
    assert await database["sessions"].count_documents({}) == 0


async def test_a_server_that_names_a_quote_names_no_other_amount(api: Api) -> None:
    await _catalog(api)
    quote = await _ask(api, items={"eventId": "concert"}, quantity=3)
    body = _ticket(quoteId=quote["quoteId"], amount=1)
    problem(await api.call("POST", PAYMENTS, SECRET, json=body), 400, "amount_mismatch")
    opened = await api.call("POST", PAYMENTS, SECRET, json=body | {"amount": 3000})
    assert (opened.status_code, opened.json()["session"]["amount"]) == (201, 3000)


async def test_a_quote_of_an_event_is_none_of_a_plan_of_that_name(api: Api) -> None:
    await put_price(api, "premium", 2999)
    quote = await _ask(api, items={"eventId": "premium"})
    body = checkout_body(amount=None, currency=None, quoteId=quote["quoteId"])
    answer = await api.call("POST", CHECKOUTS, PUBLISHABLE, json=body)
    problem(answer, 400, "quote_differs")
    quote = await _ask(api, items={"plan": "premium"})
    answer = await api.call(
        "POST", CHECKOUTS, PUBLISHABLE, json=body | {"quoteId": quote["quoteId"]}
    )
    assert answer.status_code == 201
    wrong = body | {"quoteId": quote["quoteId"], "amount": 1, "sessionId": "s-2"}
    for key in (PUBLISHABLE, SECRET):
        problem(await api.call("POST", CHECKOUTS, key, json=wrong), 400, "amount_mismatch")


async def test_without_the_fit_a_concert_would_go_at_the_quote_of_a_sticker(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pricing, "check_fits", lambda *_: None)
    await put_price(api, "concert", 1000)
    await put_price(api, "sticker", 1)
    quote = await _ask(api, items={"eventId": "sticker"})
    body = _ticket(quoteId=quote["quoteId"])
    answer = await api.call("POST", PAYMENTS, PUBLISHABLE, json=body)
    assert answer.json()["session"]["amount"] == 1


async def test_a_quote_that_was_altered_or_is_anothers_is_nobodys(
    api: Api, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _catalog(api)
    quote = await _ask(api, items={"eventId": "concert"}, quantity=3)
    content, _, signature = quote["quoteId"].removeprefix("qt_").partition(".")
    held = quote_id.read_quote(
        quote["quoteId"], "default", api.container.rules.peppers, clock.now()
    )
    cheaper = quote_id.id_of(type(held)(**{**_fields(held), "amount": 1}), "another pepper")
    other = await key_of_another_merchant(clock, Kind.PUBLISHABLE)
    forged = [cheaper, cheaper.split(".")[0] + "." + signature, f"qt_{content[:-4]}.{signature}"]
    for key, named in [(PUBLISHABLE, one) for one in forged] + [(other, quote["quoteId"])]:
        answer = await api.call("POST", PAYMENTS, key, json=_ticket(quoteId=named))
        problem(answer, 400, "quote_unknown")
        assert fields_of(answer) == {"quoteId"}
    # The control: where signatures are not compared, the forged price is believed.
    monkeypatch.setattr(quote_id, "same", lambda *_: True)
    answer = await api.call("POST", PAYMENTS, PUBLISHABLE, json=_ticket(quoteId=cheaper))
    assert answer.json()["session"]["amount"] == 1


def _fields(held: quote_id.Held) -> dict[str, Any]:
    return {name: getattr(held, name) for name in held.__struct_fields__}


@pytest.mark.parametrize(
    ("body", "error", "field"),
    [
        ({"items": {"eventId": "nothing"}}, "item_has_no_price", "items.eventId"),
        ({"items": {"eventId": "concert", "passId": "x"}}, "item_has_no_price", "items.passId"),
        ({"items": {"plan": "nothing"}}, "item_has_no_price", "items.plan"),
        ({"items": {"eventId": "concert"}, "quantity": 5}, "quantity_too_large", "quantity"),
        ({"items": {"eventId": "concert"}, "couponCode": "X"}, "coupon_unknown", "couponCode"),
        ({"items": {"eventId": "concert"}, "currency": "EUR"}, "item_has_no_price", None),
        ({"items": {"eventId": "concert", "plan": "premium"}}, "invalid_request", "items"),
        ({"items": {"plan": "premium", "passId": "vip"}}, "invalid_request", "items"),
        ({"items": {"passId": "vip"}}, "invalid_request", "items"),
        ({"items": {}}, "invalid_request", "items"),
        ({}, "invalid_request", "items"),
    ],
)
async def test_what_has_no_price_is_not_quoted(
    api: Api, body: dict[str, Any], error: str, field: str | None
) -> None:
    await _catalog(api)
    answer = await api.call("POST", _QUOTES, PUBLISHABLE, json=body)
    problem(answer, 400, error)
    assert field is None or fields_of(answer) == {field}


async def test_who_sells_and_who_buys_may_ask(api: Api, clock: ManualClock) -> None:
    await _catalog(api)
    for key in (PUBLISHABLE, SECRET, token_of("user_9", clock)):
        assert (await _ask(api, key, items={"eventId": "concert"}))["amount"] == 1000
    body = {"items": {"eventId": "concert"}}
    problem(await api.call("POST", _QUOTES, ADMIN, json=body), 403, "forbidden")
    problem(await api.call("POST", _QUOTES, None, json=body), 401, "unauthenticated")
