"""Events that have to wait: parked, failed, retried with backoff, dead after thirty days."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.news import EVENTS, WRITTEN
from service.inbox.operations.inbox import Arrival
from service.inbox.operations.receive import take_in
from service.inbox.operations.replay import LEASE, retry_waiting
from service.inbox.states import GIVE_UP_AFTER, next_attempt_at
from service.providers.base import VerifiedEvent
from service.providers.facts import Subject, Unreadable
from service.storage.database import Client
from tests.conftest import NOON
from tests.storage.failing import failing
from tests.support.events import (
    SAMPLES,
    Delivery,
    phonepe_callback,
    razorpay_captured,
    razorpay_event,
    sign_stripe,
)
from tests.support.shop import Shop, completions

UNKNOWN: dict[str, Any] = {"sessionId": "ps_later", "amount": 1000, "currency": "INR"}


async def _event(shop: Shop) -> dict[str, Any]:
    [row] = await shop.events()
    return row


@pytest.mark.parametrize("provider", ["stripe", "razorpay", "phonepe"])
async def test_a_payment_before_its_session_is_parked_and_completes_it_later(
    shop: Shop, provider: str
) -> None:
    paid = {
        "stripe": lambda: shop.stripe_paid(UNKNOWN),
        "razorpay": lambda: razorpay_captured(UNKNOWN),
        "phonepe": lambda: phonepe_callback(UNKNOWN),
    }[provider]()
    assert (await shop.api.told(paid))["outcome"] == "parked"
    [payment] = await shop.payments()
    assert (payment["sessionId"], payment["status"]) == (None, "succeeded")

    await shop.api.open(sessionId="ps_later", paymentMethod=provider)
    assert await retry_waiting(shop.api.container.inbox) == 0  # not due yet
    shop.pass_time(seconds=5)
    assert await retry_waiting(shop.api.container.inbox) == 1

    assert (await shop.session("ps_later"))["status"] == "completed"
    [payment] = await shop.payments()
    assert (payment["sessionId"], payment["userId"]) == ("ps_later", "user_123")
    row = await _event(shop)
    assert (row["status"], row["attempts"], row["nextAttemptAt"]) == ("processed", 2, None)


async def test_the_look_out_is_woken_by_an_event_that_waits_and_by_no_other(shop: Shop) -> None:
    with WRITTEN.subscribed({EVENTS}) as news:
        paid = shop.stripe_paid(await shop.api.open())
        assert (await shop.api.told(paid))["outcome"] == "processed"
        assert not news.is_set()
        assert (await shop.api.told(shop.stripe_paid(UNKNOWN)))["outcome"] == "parked"
        assert news.is_set()


async def test_a_waiting_event_is_tried_ever_more_rarely_for_thirty_days(shop: Shop) -> None:
    await shop.api.told(shop.stripe_paid(UNKNOWN))
    began = shop.clock.now()
    waits = []
    while (row := await _event(shop))["status"] == "parked":
        wait = row["nextAttemptAt"] - shop.clock.now()
        waits.append(wait.total_seconds())
        shop.clock.advance(wait)
        assert await retry_waiting(shop.api.container.inbox) == 1
    for wait, published in zip(waits, (1, 2, 4, 8), strict=False):
        assert published * 0.9 <= wait <= published
    assert 0.9 * 6 * 3600 <= max(waits) <= 6 * 3600
    assert timedelta(days=30) <= shop.clock.now() - began < timedelta(days=30, hours=6)
    assert (row["status"], row["nextAttemptAt"]) == ("dead", None)
    shop.pass_time(days=1)
    assert await retry_waiting(shop.api.container.inbox) == 0

    listed = (await shop.admin("GET", "/webhook-events?status=dead")).json()["events"]
    assert [one["id"] for one in listed] == [row["_id"]]
    await shop.api.open(sessionId="ps_later")
    replayed = await shop.admin("POST", f"/webhook-events/{row['_id']}/replay")
    assert replayed.json()["outcome"] == "processed"
    assert (await shop.session("ps_later"))["status"] == "completed"
    [entry] = (await shop.admin("GET", "/audit")).json()["entries"]
    assert (entry["action"], entry["object"]) == ("event.replayed", f"event:{row['_id']}")


@given(attempts=st.integers(-3, 10**6), waited=st.timedeltas(timedelta(0), timedelta(days=60)))
def test_the_next_attempt_lies_ahead_and_within_six_hours(attempts: int, waited: timedelta) -> None:
    now = NOON + waited
    again = next_attempt_at(NOON, attempts, now)
    if waited >= GIVE_UP_AFTER:
        assert again is None
    else:
        assert again is not None
        assert timedelta(seconds=0.9) <= again - now <= timedelta(hours=6)


async def test_an_event_whose_worker_died_is_taken_again_after_its_lease(shop: Shop) -> None:
    await shop.api.told(shop.stripe_paid(UNKNOWN))
    await shop.api.open(sessionId="ps_later")
    shop.pass_time(seconds=5)
    due = {"leasedUntil": shop.clock.now() + LEASE}  # as a worker left it that was killed
    await shop.database["webhook_events"].update_one({}, {"$set": due, "$inc": {"attempts": 1}})

    assert await retry_waiting(shop.api.container.inbox) == 0
    shop.clock.advance(LEASE)
    assert await retry_waiting(shop.api.container.inbox) == 1
    assert (await shop.session("ps_later"))["status"] == "completed"


async def test_replaying_what_was_done_does_nothing_twice(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.api.told(shop.stripe_paid(session))
    before = await shop.outcome(session["sessionId"])
    event_id = (await _event(shop))["_id"]
    answer = await shop.admin("POST", f"/webhook-events/{event_id}/replay")
    assert (answer.status_code, answer.json()["outcome"]) == (200, "processed")
    assert await shop.outcome(session["sessionId"]) == before
    assert completions(await shop.session(session["sessionId"])) == 1
    assert len(await shop.messages("session.completed")) == 1
    missing = await shop.admin("POST", "/webhook-events/nobody/replay")
    assert (missing.status_code, missing.json()["error"]) == (404, "event_not_found")


async def test_replaying_an_event_of_a_provider_without_credentials_says_so(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.api.told(shop.stripe_paid(session))
    event_id = (await _event(shop))["_id"]
    await shop.database["webhook_events"].update_one({}, {"$set": {"provider": "gone"}})
    answer = await shop.admin("POST", f"/webhook-events/{event_id}/replay")
    assert answer.status_code == 400
    assert "no credentials" in answer.json()["detail"]


async def test_types_that_nobody_needs_are_kept_as_ignored(shop: Shop) -> None:
    for delivery in (
        shop.stripe("customer.created", {"id": "cus_1", "object": "customer"}),
        shop.stripe("some.new.type", {"id": "x_1", "object": "new"}),
        razorpay_event("invoice.partially_paid", {"invoice": {"id": "inv_1"}}),
    ):
        assert (await shop.api.told(delivery))["outcome"] == "ignored"
        assert (await shop.api.told(delivery))["duplicate"] is True
    assert {row["status"] for row in await shop.events()} == {"ignored"}
    assert await shop.payments() == []


KEPT = [
    ("stripe", "refund.created", "parked"),
    ("stripe", "charge.dispute.created", "parked"),
    ("stripe", "customer.subscription.created", "processed"),
    ("razorpay", "refund.processed", "parked"),
    ("razorpay", "payment.dispute.created", "parked"),
    ("razorpay", "subscription.activated", "processed"),
]


@pytest.mark.parametrize(("provider", "name", "outcome"), KEPT)
async def test_facts_whose_ledger_or_payment_comes_later_are_kept_in_the_row(
    shop: Shop, provider: str, name: str, outcome: str
) -> None:
    body = json.loads((SAMPLES / provider / f"{name}.json").read_bytes())
    if provider == "stripe":
        delivery = sign_stripe(json.dumps(body).encode(), signed_at=shop.unix())
    else:
        entities = {
            key: part["entity"] for key, part in body["payload"].items() if isinstance(part, dict)
        }
        delivery = razorpay_event(name, entities)
    assert (await shop.api.told(delivery))["outcome"] == outcome
    row = await _event(shop)
    assert row["facts"][0]["type"] in {"RefundUpdated", "DisputeUpdated", "SubscriptionUpdated"}
    assert row["payload"] == delivery.body


def _unreadable(shop: Shop, provider: str) -> Delivery:
    if provider == "stripe":
        return shop.stripe_paid(UNKNOWN, amount_total="much")
    if provider == "razorpay":
        return razorpay_captured(UNKNOWN, amount=None)
    return phonepe_callback(UNKNOWN, amount="much")


@pytest.mark.parametrize("provider", ["stripe", "razorpay", "phonepe"])
async def test_a_genuine_event_that_can_not_be_read_is_kept_and_never_refused(
    shop: Shop, provider: str
) -> None:
    delivery = _unreadable(shop, provider)
    assert await shop.api.told(delivery) == {
        "received": True,
        "duplicate": False,
        "outcome": "failed",
    }
    row = await _event(shop)
    assert (row["status"], row["payload"]) == ("failed", delivery.body)
    assert row["error"]
    shop.pass_time(seconds=5)
    assert await retry_waiting(shop.api.container.inbox) == 1
    row = await _event(shop)
    assert (row["status"], row["attempts"]) == ("failed", 2)
    assert timedelta(seconds=1.8) <= row["nextAttemptAt"] - shop.clock.now() <= timedelta(seconds=2)
    shop.pass_time(days=31)
    await retry_waiting(shop.api.container.inbox)
    assert (await _event(shop))["status"] == "dead"


async def test_an_error_of_the_database_keeps_the_event_and_it_is_applied_later(
    shop: Shop, client: Client
) -> None:
    session = await shop.api.open()
    async with failing(client, ["findAndModify"], errorCode=8):
        assert (await shop.api.told(shop.stripe_paid(session)))["outcome"] == "failed"
    assert (await shop.session(session["sessionId"]))["status"] == "pending"
    shop.pass_time(seconds=5)
    await retry_waiting(shop.api.container.inbox)
    assert completions(await shop.session(session["sessionId"])) == 1
    assert (await _event(shop))["error"] is None


async def test_an_event_that_can_not_even_be_kept_is_503(shop: Shop, client: Client) -> None:
    session = await shop.api.open()
    paid = shop.stripe_paid(session)
    async with failing(client, ["insert"], errorCode=8):
        answer = await shop.api.deliver(paid)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert (await shop.api.told(paid))["outcome"] == "processed"


async def _kept_of_an_answer(shop: Shop, asked_for: str | None) -> tuple[str, str | None]:
    """Take in an unreadable answer about a checkout of ours; return whose it is, and of which."""
    await shop.api.open(sessionId="s-1")
    opened = {"ref": "cs_1", "n": 1, "openedAt": NOON, "attemptId": None}
    fields = {"checkoutIds": ["cs_1"], "checkouts": [opened]}
    await shop.database["sessions"].update_one({"sessionId": "s-1"}, {"$set": fields})
    event = VerifiedEvent(
        provider="stripe",
        account="default",
        live=False,
        event_id="fetch:cs_1",
        type="fetched",
        occurred_at=NOON,
        subject=Subject(checkout_refs=("cs_1",)),
        facts=(Unreadable("a field of another type"),),
        payload=b"{}",
    )
    await take_in(Arrival(event, "fetch", asked_for=asked_for), shop.api.container.inbox)
    row = await _event(shop)
    assert row["status"] == "failed"
    return row["merchantId"], row["sessionId"]


@pytest.mark.parametrize(
    ("asked_for", "kept_for"), [("another", ("another", None)), (None, ("default", "s-1"))]
)
async def test_what_can_not_be_applied_is_kept_for_the_merchant_it_was_asked_for(
    shop: Shop, asked_for: str | None, kept_for: tuple[str, str | None]
) -> None:
    assert await _kept_of_an_answer(shop, asked_for) == kept_for


async def test_control_were_the_merchant_not_known_its_checkout_would_tell_another(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Arrival, "named_merchant", None)
    assert await _kept_of_an_answer(shop, "another") == ("default", "s-1")
