"""Every line of the state table, moved by what providers tell."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.support.api import SECRET
from tests.support.events import (
    Delivery,
    phonepe_callback,
    razorpay_event,
    stripe_checkout,
    stripe_intent,
)
from tests.support.shop import Shop

Make = Callable[[Shop, dict[str, Any]], Delivery]


def _unpaid(shop: Shop, session: dict[str, Any]) -> Delivery:
    found = stripe_checkout(session, payment_status="unpaid")
    return shop.stripe("checkout.session.completed", found)


def _declined(shop: Shop, session: dict[str, Any]) -> Delivery:
    found = stripe_intent(session, amount_received=0)
    return shop.stripe("payment_intent.payment_failed", found, 1)


def _expired(shop: Shop, session: dict[str, Any]) -> Delivery:
    found = stripe_checkout(session, status="expired", payment_status="unpaid", payment_intent=None)
    return shop.stripe("checkout.session.expired", found)


def _bounced(shop: Shop, session: dict[str, Any]) -> Delivery:
    found = stripe_checkout(session, payment_status="unpaid")
    return shop.stripe("checkout.session.async_payment_failed", found, 2)


def _paid_later(shop: Shop, session: dict[str, Any]) -> Delivery:
    return shop.stripe("checkout.session.async_payment_succeeded", stripe_checkout(session), 2)


def _paid(shop: Shop, session: dict[str, Any]) -> Delivery:
    return shop.stripe_paid(session)


def _authorized(shop: Shop, session: dict[str, Any]) -> Delivery:
    return shop.razorpay("payment.authorized", session, status="authorized")


def _razorpay_failed(shop: Shop, session: dict[str, Any]) -> Delivery:
    return shop.razorpay("payment.failed", session, 1, status="failed")


def _captured(shop: Shop, session: dict[str, Any]) -> Delivery:
    return shop.razorpay("payment.captured", session, 1)


def _cancelled_link(shop: Shop, session: dict[str, Any]) -> Delivery:
    link = {"id": "plink_1", "reference_id": session["sessionId"], "notes": []}
    return razorpay_event("payment_link.cancelled", {"payment_link": link})


def _phonepe(state: str, code: str) -> Make:
    return lambda shop, session: phonepe_callback(session, state=state, code=code)


_PENDING = _phonepe("PENDING", "PAYMENT_PENDING")
_SUCCESS = _phonepe("COMPLETED", "PAYMENT_SUCCESS")
_ERROR = _phonepe("FAILED", "PAYMENT_ERROR")

# Provider, what comes, and the states that the session goes through.
ROADS: list[tuple[str, list[Make], list[str]]] = [
    ("stripe", [_unpaid], ["processing"]),
    ("razorpay", [_authorized], ["processing"]),
    ("phonepe", [_PENDING], ["processing"]),
    ("stripe", [_paid], ["completed"]),
    ("stripe", [_unpaid, _paid_later], ["processing", "completed"]),
    ("razorpay", [_authorized, _captured], ["processing", "completed"]),
    ("phonepe", [_PENDING, _SUCCESS], ["processing", "completed"]),
    ("stripe", [_unpaid, _declined], ["processing", "pending"]),
    ("razorpay", [_authorized, _razorpay_failed], ["processing", "pending"]),
    ("stripe", [_declined], []),
    ("razorpay", [_razorpay_failed], []),
    ("stripe", [_bounced], ["failed"]),
    ("stripe", [_unpaid, _bounced], ["processing", "failed"]),
    ("razorpay", [_cancelled_link], ["failed"]),
    ("phonepe", [_ERROR], ["failed"]),
    ("phonepe", [_PENDING, _ERROR], ["processing", "failed"]),
    ("stripe", [_expired], ["expired"]),
    ("stripe", [_unpaid, _expired], ["processing"]),
    ("stripe", [_unpaid, _expired, _declined], ["processing", "expired"]),
    ("stripe", [_expired, _paid], ["expired", "completed"]),
    ("stripe", [_bounced, _paid], ["failed", "completed"]),
    ("stripe", [_paid, _expired, _bounced, _declined, _unpaid], ["completed"]),
    ("phonepe", [_SUCCESS, _ERROR, _PENDING], ["completed"]),
]


@pytest.mark.parametrize(("provider", "told", "road"), ROADS)
async def test_events_move_the_session_along_the_table(
    shop: Shop, provider: str, told: list[Make], road: list[str]
) -> None:
    session = await shop.api.open(paymentMethod=provider)
    for make in told:
        assert (await shop.api.told(make(shop, session)))["outcome"] == "processed"

    stored = await shop.session(session["sessionId"])
    assert [move["to"] for move in stored["history"]] == ["pending", *road]
    assert stored["status"] == (["pending", *road])[-1]
    ended = stored["status"] in {"completed", "failed", "expired", "canceled"}
    assert (stored["purgeAt"] is not None) == ended
    assert stored["late"] is (road[-2:] in (["expired", "completed"], ["failed", "completed"]))
    for move in stored["history"][1:]:
        assert move["by"] == provider
        assert move["eventId"].startswith(f"{provider}:default:")


@pytest.mark.parametrize("end", ["failed", "expired"])
async def test_a_retried_session_is_pending_again_with_new_time(shop: Shop, end: str) -> None:
    session = await shop.api.open()
    await shop.receive((_bounced if end == "failed" else _expired)(shop, session))
    shop.pass_time(hours=2)
    body = {"sessionId": session["sessionId"], "status": "pending"}
    answer = await shop.api.call("PATCH", "/api/payment-sessions", SECRET, json=body)
    assert answer.status_code == 200, answer.text

    stored = await shop.session(session["sessionId"])
    assert (stored["status"], stored["purgeAt"]) == ("pending", None)
    assert stored["expiresAt"] == shop.clock.now() + timedelta(minutes=30)
    await shop.receive(_paid(shop, session))
    assert (await shop.session(session["sessionId"]))["late"] is False


async def test_nothing_due_completes_only_what_was_opened_so(shop: Shop) -> None:
    session = await shop.api.open()
    sid = session["sessionId"]
    await shop.database["sessions"].update_one({"sessionId": sid}, {"$set": {"freeAllowed": True}})
    free = stripe_checkout(session, payment_status="no_payment_required", amount_total=0)
    told = await shop.api.told(shop.stripe("checkout.session.completed", free))
    assert told["outcome"] == "processed"
    stored = await shop.session(sid)
    assert (stored["status"], stored["providerPaymentId"]) == ("completed", None)
    assert await shop.payments() == []


async def test_an_invoice_writes_the_ledger_and_moves_no_session(shop: Shop) -> None:
    session = await shop.api.open(mode="subscription")
    sid = session["sessionId"]
    details = {"subscription": "sub_1", "metadata": {"sessionId": sid}}
    invoice = {
        "id": "in_1",
        "object": "invoice",
        "amount_paid": 1000,
        "currency": "inr",
        "parent": {"subscription_details": details},
    }
    await shop.receive(shop.stripe("invoice.paid", invoice))
    assert (await shop.session(sid))["status"] == "pending"
    [payment] = await shop.payments()
    assert (payment["providerPaymentId"], payment["status"]) == ("in_1", "succeeded")

    checkout = stripe_checkout(
        session, mode="subscription", invoice="in_1", subscription="sub_1", payment_intent=None
    )
    await shop.receive(shop.stripe("checkout.session.completed", checkout))
    assert (await shop.session(sid))["status"] == "completed"
    assert len(await shop.payments()) == 1


async def test_an_intent_without_our_metadata_is_ignored(shop: Shop) -> None:
    session = await shop.api.open()
    foreign = stripe_intent(session, metadata={})
    told = await shop.api.told(shop.stripe("payment_intent.succeeded", foreign))
    assert told["outcome"] == "ignored"
    assert await shop.payments() == []
