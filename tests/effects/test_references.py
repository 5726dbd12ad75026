"""A number that another system of the shop wrote at the provider is no name of a browser's session.

A receipt, a `reference_id`, a `client_reference_id`, a merchantOrderId: whoever opens the session
chooses its id, and so may choose somebody else's order.
"""

from typing import Any

import pytest

from service.effects import matching
from service.sessions.checkouts import lock
from tests.sessions.asking import CREATE_CHECKOUT, put_price, token_of
from tests.support.api import PUBLISHABLE, SECRET
from tests.support.events import (
    Delivery,
    phonepe_callback,
    razorpay_event,
    razorpay_payment,
    stripe_checkout,
)
from tests.support.shop import Shop

SHOP = "SHOP-1042"
MONEY = {"sessionId": "somebody", "amount": 1000, "currency": "INR"}


def _razorpay(place: str) -> Delivery:
    payment = razorpay_payment(MONEY, id="pay_1", order_id="order_theirs", notes=[])
    order: dict[str, Any] = {"id": "order_theirs", "receipt": None, "notes": []}
    link: dict[str, Any] = {"id": "plink_theirs", "reference_id": None, "notes": []}
    (order if place == "receipt" else link)[place] = SHOP
    told = {"payment": payment, "order": order, "payment_link": link}
    return razorpay_event("payment_link.paid", told)


def _told(shop: Shop, place: str) -> Delivery:
    """Tell of a payment for an order that another system opened at the same account."""
    if place == "merchantTransactionId":
        return phonepe_callback(MONEY, merchantTransactionId=SHOP)
    if place == "client_reference_id":
        found = stripe_checkout(MONEY, id="cs_theirs", metadata={}, client_reference_id=SHOP)
        return shop.stripe("checkout.session.completed", found | {"payment_intent": "pi_theirs"})
    return _razorpay(place)


PLACES = {
    "receipt": "razorpay",
    "reference_id": "razorpay",
    "client_reference_id": "stripe",
    "merchantTransactionId": "phonepe",
}


async def _open(shop: Shop, key: str, provider: str) -> None:
    body = {"sessionId": SHOP, "userId": "user_123", "eventId": "event_456", "quantity": 1}
    body |= {"currency": "INR", "paymentMethod": provider}
    body |= {"amount": 1000} if key == SECRET else {}
    answer = await shop.api.call("POST", "/api/payment-sessions", key, json=body)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("place", PLACES)
async def test_a_foreign_payment_of_that_number_completes_a_servers_session_alone(
    shop: Shop, place: str
) -> None:
    """Who has no secret key could not have opened it at the provider; who has one may have."""
    await put_price(shop.api, "event_456", 1000, "INR")
    user = token_of("user_123", shop.clock)
    for key in (PUBLISHABLE, user, SECRET):
        await shop.database["sessions"].delete_many({})
        await shop.database["webhook_events"].delete_many({})
        await shop.database["payments"].delete_many({})
        await _open(shop, key, PLACES[place])
        outcome = (await shop.api.told(_told(shop, place)))["outcome"]
        stored, [row], [event] = (
            await shop.session(SHOP),
            await shop.payments(),
            await shop.events(),
        )
        if key == SECRET:
            assert (outcome, stored["status"]) == ("processed", "completed")
            continue
        # Parked: a review would claim the payment for who knows a number, and hold up its owner.
        assert (outcome, stored["status"], stored["review"]) == ("parked", "pending", None)
        assert (row["sessionId"], row["status"]) == (None, "succeeded")
        assert (event["sessionId"], SHOP in event["reason"]) == (None, True)
        # Nor does any other road lead there: a replay, a retry, and whoever asks the provider.
        assert (await shop.admin("POST", f"/webhook-events/{event['_id']}/replay")).is_success
        shop.pass_time(seconds=5)
        await shop.api.settle()
        asked = await shop.api.call(
            "POST", "/api/payment/verify-checkout-session", SECRET, json={"sessionId": SHOP}
        )
        assert (asked.json()["session"]["status"], asked.json()["paid"]) == ("pending", False)
        settled = await shop.admin("POST", f"/reviews/{event['_id']}/accept", json={})
        assert settled.status_code == 404
        assert (await shop.session(SHOP))["liveAttempts"] == []


async def test_control_were_the_browsers_word_a_servers_the_payment_would_complete_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "opened_by_a_server", lambda _: True)
    await put_price(shop.api, "event_456", 1000, "INR")
    for place, provider in PLACES.items():
        await shop.database["sessions"].delete_many({})
        await shop.database["payments"].delete_many({})
        await shop.database["webhook_events"].delete_many({})
        await _open(shop, PUBLISHABLE, provider)
        assert (await shop.api.told(_told(shop, place)))["outcome"] == "processed", place
        assert (await shop.session(SHOP))["status"] == "completed"


async def _begin(shop: Shop) -> None:
    """Let a browser open its checkout: the provider does not answer, so it may have arrived."""
    await put_price(shop.api, "event_456", 1000, "INR")
    body = {"sessionId": SHOP, "userId": "user_123", "eventId": "event_456", "quantity": 1}
    body |= {"currency": "INR", "paymentMethod": "phonepe"}
    answer = await shop.api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=body)
    assert answer.status_code == 504, answer.text


async def test_nor_does_an_attempt_to_open_a_checkout_take_that_number(shop: Shop) -> None:
    await _begin(shop)
    [attempt] = (await shop.session(SHOP))["checkoutIds"]
    assert attempt.startswith(f"{SHOP}-1-")
    assert (await shop.api.told(_told(shop, "merchantTransactionId")))["outcome"] == "parked"
    own = phonepe_callback(MONEY, merchantTransactionId=attempt)
    assert (await shop.api.told(own))["outcome"] == "processed"
    assert (await shop.session(SHOP))["providerPaymentId"] == attempt


async def test_control_were_the_attempt_of_that_name_the_payment_would_complete_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "attempt_id", lambda session, *_: session.session_id)
    await _begin(shop)
    assert (await shop.api.told(_told(shop, "merchantTransactionId")))["outcome"] == "processed"
    assert (await shop.session(SHOP))["status"] == "completed"
