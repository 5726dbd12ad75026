"""What is posted for payments of subscriptions: all are sales but those that are in doubt."""

from typing import Any

import pytest

from service.bookkeeping.operations import group
from tests.bookkeeping.books import accounts, checked, post
from tests.support.events import stripe_checkout
from tests.support.shop import Shop

SUSPENDED = {"clearing:stripe": 900, "suspense": -900}
SOLD = {"clearing:stripe": 900, "sales": -900}


@pytest.mark.parametrize(("verdict", "after"), [("accept", SOLD), ("reject", SUSPENDED)])
async def test_a_first_payment_in_review_is_in_suspense_until_a_person_accepts_it(
    shop: Shop, verdict: str, after: dict[str, int]
) -> None:
    await _pay(shop, 900)
    await post(shop)
    assert await accounts(shop.database) == SUSPENDED
    [event] = await shop.events(status="review")
    path = f"/reviews/{event['_id']}/{verdict}"
    assert (await shop.admin("POST", path, json={"reason": "ok"})).status_code == 200
    await post(shop)
    assert await accounts(shop.database) == after
    assert (await checked()).count == 0

    await shop.database["sessions"].delete_many({})
    await shop.database["payments"].update_many({}, {"$set": {"unposted": True}})
    await post(shop)
    assert await accounts(shop.database) == after
    assert (await checked()).count == 0


async def test_a_first_payment_that_fits_is_a_sale_also_where_its_session_is_gone(
    shop: Shop,
) -> None:
    await _pay(shop, 1000)
    await shop.database["sessions"].delete_many({})
    await post(shop)
    assert await accounts(shop.database) == {"clearing:stripe": 1000, "sales": -1000}
    assert (await checked()).count == 0


async def test_control_without_the_look_at_reviews_money_in_doubt_is_a_sale(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_doubt(*_: object) -> bool:
        return False

    monkeypatch.setattr(group, "is_doubted", no_doubt)
    await _pay(shop, 900)
    await post(shop)
    assert await accounts(shop.database) == SOLD


async def _pay(shop: Shop, amount: int) -> None:
    fields: dict[str, Any] = {"sessionId": "s-1", "mode": "subscription", "plan": "basic"}
    fields |= {"userId": "u", "email": "a@b.example", "provider": "stripe"}
    fields |= {"amount": 1000, "currency": "INR"}
    answer = await shop.api.call("POST", "/api/checkout-sessions", json=fields)
    assert answer.status_code == 201
    paid = stripe_checkout(
        await shop.api.read("s-1"),
        mode="subscription",
        subscription="sub_1",
        invoice="in_1",
        payment_intent=None,
        amount_total=amount,
    )
    await shop.receive(shop.stripe("checkout.session.completed", paid, 0))
