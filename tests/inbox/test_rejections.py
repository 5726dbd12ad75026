"""Deliveries that are not believed: 400, one small row that says why, and nothing else."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.storage.database import Database
from tests.support.events import Delivery, phonepe_callback, razorpay_captured, stripe_event
from tests.support.settings import RAZORPAY_SECRET, STRIPE_SECRET, make_settings
from tests.support.shop import Shop, open_shop

OLD = "whsec_the_secret_before_rolling_it"


def _paid(shop: Shop, provider: str) -> Delivery:
    session = {"sessionId": "s-1", "amount": 1000, "currency": "INR"}
    if provider == "stripe":
        return shop.stripe_paid(session)
    return razorpay_captured(session) if provider == "razorpay" else phonepe_callback(session)


async def _refused(shop: Shop, delivery: Delivery, reason: str) -> None:
    answer = await shop.api.http.post(
        delivery.path,
        content=delivery.body,
        headers=[
            (name.encode(), value.encode("latin-1")) for name, value in delivery.headers.items()
        ],
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_signature"), answer.text
    await _written(shop)
    [row] = await shop.database["webhook_rejections"].find().sort("$natural", -1).to_list(1)
    assert row.keys() == {"_id", "provider", "at", "reason", "size", "sender", "deliveries"}
    assert (row["provider"], row["reason"]) == (delivery.provider, reason)
    assert row["size"] == len(delivery.body)
    for collection in ("webhook_events", "payments", "outbox"):
        assert await shop.database[collection].count_documents({}) == 0


async def _written(shop: Shop) -> None:
    await shop.api.container.inbox.rejections.flush(shop.clock.now(), whole=True)


HEADER = {"stripe": "stripe-signature", "razorpay": "x-razorpay-signature", "phonepe": "x-verify"}


@pytest.mark.parametrize("provider", HEADER)
async def test_a_missing_an_empty_and_a_non_ascii_signature_are_refused(
    shop: Shop, provider: str
) -> None:
    paid = _paid(shop, provider)
    await _refused(shop, Delivery(provider, paid.body), "missing")
    await _refused(shop, Delivery(provider, paid.body, {HEADER[provider]: ""}), "missing")
    await _refused(
        shop, Delivery(provider, paid.body, {HEADER[provider]: "\xe9\xe8\xff"}), "malformed"
    )


@pytest.mark.parametrize("provider", HEADER)
async def test_another_body_under_a_genuine_signature_is_refused(shop: Shop, provider: str) -> None:
    paid = _paid(shop, provider)
    if provider == "phonepe":  # the signature covers the response within the body
        other = phonepe_callback({"sessionId": "s-2", "amount": 1, "currency": "INR"}).body
    else:
        other = paid.body + b" "
    await _refused(shop, Delivery(provider, other, paid.headers), "mismatch")


@pytest.mark.parametrize(("age", "reason"), [(301, "stale"), (-301, "future")])
async def test_a_stale_and_a_future_signature_are_refused(
    shop: Shop, age: int, reason: str
) -> None:
    found = {"id": "cus_1", "object": "customer"}
    old = stripe_event("customer.created", found, signed_at=shop.unix(-age))
    await _refused(shop, old, reason)
    young = stripe_event("customer.created", found, signed_at=shop.unix(-age + (age > 0) * 2 - 1))
    assert (await shop.api.told(young))["outcome"] == "ignored"


async def test_another_providers_signature_is_refused(shop: Shop) -> None:
    razorpay = _paid(shop, "razorpay")
    await _refused(shop, Delivery("stripe", razorpay.body, razorpay.headers), "missing")
    stripe = _paid(shop, "stripe")
    await _refused(shop, Delivery("razorpay", stripe.body, stripe.headers), "missing")
    signature = razorpay.headers["x-razorpay-signature"]
    as_stripe = {"stripe-signature": f"t={shop.unix()},v1={signature}"}
    await _refused(shop, Delivery("stripe", razorpay.body, as_stripe), "mismatch")


async def test_a_signature_under_another_secret_is_refused(shop: Shop) -> None:
    found = {"id": "cus_1", "object": "customer"}
    for secret in ("whsec_somebody_else_s_secret", OLD):
        forged = stripe_event("customer.created", found, secret=secret, signed_at=shop.unix())
        await _refused(shop, forged, "mismatch")


@pytest_asyncio.fixture
async def rolling(database: Database, clock: ManualClock) -> AsyncIterator[Shop]:
    """A shop that is rolling its secrets, and has none of PhonePe's."""
    settings = make_settings(
        STRIPE_WEBHOOK_SECRET=f"{STRIPE_SECRET},{OLD}",
        RAZORPAY_WEBHOOK_SECRET=f"{RAZORPAY_SECRET}-new,{RAZORPAY_SECRET}",
        PHONEPE_SALT_KEY="",
        PHONEPE_WEBHOOK_USERNAME="",
        PHONEPE_WEBHOOK_PASSWORD="",
    )
    async with open_shop(settings, database, clock) as opened:
        yield opened


async def test_every_active_secret_is_accepted_while_they_are_rolled(rolling: Shop) -> None:
    found = {"id": "cus_1", "object": "customer"}
    for secret in (STRIPE_SECRET, OLD):
        event = stripe_event("customer.created", found, secret=secret, signed_at=rolling.unix())
        assert (await rolling.api.told(event))["outcome"] == "ignored"
    assert (await rolling.api.told(_paid(rolling, "razorpay")))["outcome"] == "parked"


async def test_a_provider_without_a_secret_has_no_route(rolling: Shop) -> None:
    for provider in ("phonepe", "upi", "paypal"):
        paid = phonepe_callback({"sessionId": "s-1", "amount": 1000, "currency": "INR"})
        answer = await rolling.api.deliver(Delivery(provider, paid.body, paid.headers))
        assert (answer.status_code, answer.json()["error"]) == (404, "webhook_route_missing")
    assert await rolling.database["webhook_rejections"].count_documents({}) == 0


async def test_rejections_are_listed_counted_and_never_grow_without_end(shop: Shop) -> None:
    for _ in range(3):
        await _refused(shop, Delivery("stripe", b"secret words"), "missing")
    await shop.database["webhook_rejections"].update_one(
        {},
        {"$unset": {"sender": 1, "deliveries": 1}},  # as the version before wrote them
    )
    listed = (await shop.admin("GET", "/webhook-rejections")).json()
    assert listed["counts"] == {"stripe:missing": 3}
    assert listed["rejections"][0] == {
        "provider": "stripe",
        "at": "2026-11-21T12:00:00Z",
        "reason": "missing",
        "size": 12,
        "sender": listed["rejections"][0]["sender"],
        "deliveries": 1,
    }
    assert listed["rejections"][-1]["sender"] is None
    stats = await shop.database.command("collStats", "webhook_rejections")
    assert stats["capped"] is True
