"""A price belongs to the whole of what is sold: nothing is named that was not priced."""

from typing import Any

import pytest

from service.core.clock import ManualClock
from service.sessions.operations.opening import pricing
from service.storage.database import Database
from tests.sessions.asking import (
    CHECKOUTS,
    CREATE_CHECKOUT,
    PAYMENTS,
    checkout_body,
    fields_of,
    payment_body,
    problem,
    put_price,
    token_of,
)
from tests.support.api import ADMIN, PUBLISHABLE, SECRET, Api


def _ticket(**changes: Any) -> dict[str, Any]:
    usual = {"paymentMethod": "stripe", "currency": "USD", "amount": None, "metadata": None}
    return payment_body(**(usual | {"eventId": "concert"} | changes))


def _plan(**changes: Any) -> dict[str, Any]:
    return checkout_body(amount=None, **changes)


async def _two_prices(api: Api) -> None:
    await put_price(api, "concert", 9000)
    await put_price(api, "sticker", 100)
    await put_price(api, "premium", 2999)


async def test_a_payment_session_does_not_sell_at_a_plans_price(
    api: Api, database: Database, clock: ManualClock
) -> None:
    await _two_prices(api)
    for key in (PUBLISHABLE, token_of("user_123", clock), SECRET):
        for path in (PAYMENTS, CREATE_CHECKOUT):
            answer = await api.call("POST", path, key, json=_ticket(plan="sticker"))
            problem(answer, 400, "invalid_request")
            assert fields_of(answer) == {"plan"}
    assert await database["sessions"].count_documents({}) == 0


async def test_a_checkout_session_names_no_pass_that_nobody_priced(
    api: Api, database: Database
) -> None:
    await _two_prices(api)
    answer = await api.call("POST", CHECKOUTS, PUBLISHABLE, json=_plan(passId="backstage"))
    problem(answer, 400, "invalid_request")
    assert fields_of(answer) == {"passId"}
    assert await database["sessions"].count_documents({}) == 0


async def test_a_server_that_names_its_amount_names_what_it_likes(api: Api) -> None:
    answer = await api.call("POST", PAYMENTS, json=_ticket(plan="sticker", passId="p", amount=5))
    session = answer.json()["session"]
    assert (session["plan"], session["passId"], session["amount"]) == ("sticker", "p", 5)


async def test_without_the_guard_a_concert_would_go_out_under_a_stickers_name(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pricing, "_refuse", lambda *_, **__: None)
    await _two_prices(api)
    answer = await api.call("POST", PAYMENTS, PUBLISHABLE, json=_ticket(plan="sticker"))
    assert answer.json()["session"]["plan"] == "sticker"


async def test_a_pass_has_the_price_that_belongs_to_it_and_its_event(api: Api) -> None:
    await put_price(api, "concert", 9000)
    await put_price(api, "concert", 15000, passId="vip", maxQuantity=2)
    await put_price(api, "fair", 300, passId="vip")
    amounts = {}
    for event, pass_id in (("concert", None), ("concert", "vip"), ("fair", "vip")):
        body = _ticket(sessionId=None, eventId=event, passId=pass_id)
        answer = await api.call("POST", PAYMENTS, PUBLISHABLE, json=body)
        assert answer.status_code == 201, answer.text
        amounts[event, pass_id] = answer.json()["session"]["amount"]
    assert amounts == {("concert", None): 9000, ("concert", "vip"): 15000, ("fair", "vip"): 300}


@pytest.mark.parametrize("priced", [{"item": "vip"}, {"item": "concert"}, {"item": "fair"}])
async def test_a_pass_of_an_event_is_not_sold_at_a_price_of_only_one_of_them(
    api: Api, database: Database, priced: dict[str, str]
) -> None:
    """Prices of before passes were named with their events have no `passId` at all."""
    pass_of_another = {"passId": "vip"} if priced["item"] == "fair" else {}
    await put_price(api, priced["item"], 100, **pass_of_another)
    if not pass_of_another:
        await database["prices"].update_many({}, {"$unset": {"passId": 1, "maxQuantity": 1}})
    body = _ticket(passId="vip")
    answer = await api.call("POST", PAYMENTS, PUBLISHABLE, json=body)
    refused = problem(answer, 400, "item_has_no_price")
    assert fields_of(answer) == {"passId"}
    assert "tillgate prices set concert AMOUNT USD --pass vip" in refused["detail"]
    if priced["item"] == "concert":  # an older price of the event alone still is its price
        answer = await api.call("POST", PAYMENTS, PUBLISHABLE, json=_ticket())
        assert answer.json()["session"]["amount"] == 100


async def test_a_price_of_a_pass_is_listed_set_again_and_removed_by_itself(api: Api) -> None:
    await put_price(api, "concert", 9000)
    await put_price(api, "concert", 14000, passId="vip")
    await put_price(api, "concert", 15000, passId="vip", maxQuantity=2)

    async def listed() -> list[tuple[Any, ...]]:
        prices = (await api.call("GET", "/api/admin/prices", ADMIN)).json()["prices"]
        return [(one["item"], one["passId"], one["amount"], one["maxQuantity"]) for one in prices]

    both = [("concert", None, 9000, None), ("concert", "vip", 15000, 2)]
    assert await listed() == both
    path = "/api/admin/prices/concert?currency=USD"
    assert (await api.call("DELETE", path, ADMIN)).status_code == 204
    assert await listed() == both[1:]
    problem(await api.call("DELETE", path, ADMIN), 404, "price_not_found")
    assert (await api.call("DELETE", path + "&passId=vip", ADMIN)).status_code == 204
    assert await listed() == []


async def test_so_many_of_an_item_and_no_more_are_sold_at_a_time(api: Api) -> None:
    await put_price(api, "concert", 9000, maxQuantity=4)
    answer = await api.call("POST", PAYMENTS, PUBLISHABLE, json=_ticket(quantity=5))
    problem(answer, 400, "quantity_too_large")
    assert fields_of(answer) == {"quantity"}
    answer = await api.call("POST", PAYMENTS, PUBLISHABLE, json=_ticket(quantity=4))
    assert answer.json()["session"]["amount"] == 36000
    many = _ticket(sessionId=None, quantity=500, amount=1)  # a server's own sale is its own affair
    assert (await api.call("POST", PAYMENTS, json=many)).status_code == 201
