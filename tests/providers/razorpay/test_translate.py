"""Razorpay's published events as facts."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from service.core.errors import SignatureRejected
from service.providers.base import VerifiedEvent
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFailed,
    DisputeUpdated,
    InvoicePaid,
    PaidPartially,
    PaymentAuthorized,
    PaymentFailed,
    PaymentSucceeded,
    RefundUpdated,
    SubscriptionUpdated,
    Unreadable,
)
from tests.providers.razorpay.case import NOON, SAMPLES, provider, sign

PROVIDER = provider()


def verified(body: bytes) -> VerifiedEvent:
    """Verify a body that is signed here."""
    return PROVIDER.verify(sign(body, NOON), body, NOON)


def sample(name: str) -> dict[str, object]:
    """Return a sample's JSON, to be changed."""
    parsed = json.loads(SAMPLES[name])
    assert isinstance(parsed, dict)
    return parsed


def changed(name: str, entity: str, **fields: object) -> bytes:
    """Return a sample with some fields of one entity changed."""
    body = json.loads(SAMPLES[name])
    body["payload"][entity]["entity"].update(fields)
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("payment.authorized", [PaymentAuthorized]),
        ("payment.captured", [PaymentSucceeded]),
        ("payment.failed", [PaymentFailed]),
        ("order.paid", [PaymentSucceeded]),
        ("payment_link.paid", [PaymentSucceeded]),
        ("payment_link.partially_paid", [PaidPartially]),
        ("payment_link.cancelled", [CheckoutFailed]),
        ("payment_link.expired", [CheckoutExpired]),
        ("subscription.charged", [SubscriptionUpdated, InvoicePaid]),
    ],
)
def test_an_event_tells_its_facts(name: str, kinds: list[type]) -> None:
    assert [type(fact) for fact in verified(SAMPLES[name]).facts] == kinds


def test_every_event_of_the_documentation_has_a_sample_and_a_fact() -> None:
    states = (
        "authenticated activated charged completed updated pending halted cancelled paused resumed"
    )
    disputes = "created won lost closed under_review action_required"
    expected = {
        *(f"payment.{state}" for state in ("authorized", "captured", "failed")),
        "order.paid",
        *(f"payment_link.{state}" for state in ("paid", "partially_paid", "cancelled", "expired")),
        *(f"refund.{state}" for state in ("created", "processed", "failed", "speed_changed")),
        *(f"payment.dispute.{state}" for state in disputes.split()),
        *(f"subscription.{state}" for state in states.split()),
    }
    assert set(SAMPLES) == expected
    for body in SAMPLES.values():
        event = verified(body)
        assert event.facts
        assert event.occurred_at < NOON
        assert event.live is False
        assert event.account == "default"


def test_the_events_of_one_payment_tell_the_same_payment() -> None:
    captured, paid = verified(SAMPLES["payment.captured"]), verified(SAMPLES["order.paid"])
    (fact,), (also,) = captured.facts, paid.facts
    assert isinstance(fact, PaymentSucceeded)
    assert isinstance(also, PaymentSucceeded)
    # Only the order says how often it was tried.
    told = structs.replace(fact.payment.details, attempt_count=2)
    assert structs.replace(fact.payment, details=told) == also.payment
    assert fact.payment.provider_payment_id == "pay_DESlfW9H8K9uqM"
    assert fact.payment.checkout_ref == "order_DESlLckIVRkHWj"
    assert (fact.payment.amount, fact.payment.currency) == (29900, "INR")
    assert fact.payment.method == "netbanking"


def test_an_amount_paid_of_the_order_is_never_taken_for_the_payment() -> None:
    (fact,) = verified(changed("order.paid", "order", amount_paid=999)).facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.payment.amount == 29900


def test_an_order_event_finds_its_session_by_order_notes_and_receipt() -> None:
    subject = verified(changed("order.paid", "order", receipt="ps_sample-2")).subject
    assert subject.checkout_refs == ("order_DESlLckIVRkHWj",)
    assert subject.object_ids == ("order_DESlLckIVRkHWj", "pay_DESlfW9H8K9uqM")
    assert (subject.sent_ids, subject.references) == (("ps_sample",), ("ps_sample-2",))
    assert subject.merchant_id == "default"


def test_a_link_event_trusts_no_order_id_without_its_prefix() -> None:
    subject = verified(SAMPLES["payment_link.paid"]).subject
    assert subject.checkout_refs == ("plink_Qb2gHrKr01Maky", "order_Qb2gOAUzSm5zpv")
    assert "Qb2gOAUzSm5zpv" not in subject.object_ids


@pytest.mark.parametrize("notes", [[], None, "text", {}, {"sessionId": 7}, {"sessionId": ""}])
def test_notes_of_any_shape_are_read(notes: object) -> None:
    event = verified(changed("payment_link.cancelled", "payment_link", notes=notes))
    assert (event.subject.sent_ids, event.subject.references) == ((), ("ps_sample",))
    assert event.subject.merchant_id is None


def test_notes_of_a_payment_are_a_browsers_and_are_not_read() -> None:
    forged = {"sessionId": "ps_other", "merchantId": "other"}
    subject = verified(changed("order.paid", "payment", notes=forged)).subject
    assert subject.sent_ids == ("ps_sample",)
    assert subject.merchant_id == "default"


def test_a_failure_tells_its_reason() -> None:
    (fact,) = verified(SAMPLES["payment.failed"]).facts
    assert isinstance(fact, PaymentFailed)
    assert (fact.failure_code, fact.failure_message) == ("payment_failed", "Payment failed")


@pytest.mark.parametrize(
    ("name", "status"),
    [("created", "pending"), ("processed", "succeeded"), ("failed", "failed")],
)
def test_a_refund_stands_in_a_neutral_state(name: str, status: str) -> None:
    (fact,) = verified(SAMPLES[f"refund.{name}"]).facts
    told = "rfnd_FS8TWyPrCsa0OB", "pay_DESlfW9H8K9uqM", 5000, "INR", status
    ids = "pay_DESlfW9H8K9uqM", "order_DESlLckIVRkHWj"
    made_at = datetime(2020, 8, 18, 7, 1, 11, tzinfo=UTC)
    assert fact == RefundUpdated(*told, made_at=made_at, payment_ids=ids)


def test_a_dispute_keeps_the_providers_word_and_the_deadline() -> None:
    (fact,) = verified(SAMPLES["payment.dispute.under_review"]).facts
    assert isinstance(fact, DisputeUpdated)
    assert (fact.status, fact.reason) == ("under_review", "chargeback")
    assert fact.respond_by == datetime(2020, 9, 13, 18, 29, 59, tzinfo=UTC)


def test_a_charged_subscription_pays_an_invoice_keyed_by_the_payment() -> None:
    _, paid = verified(SAMPLES["subscription.charged"]).facts
    assert isinstance(paid, InvoicePaid)
    assert paid.payment.provider_payment_id == "pay_DEXFWroJ6LikKT"
    assert paid.payment.subscription_id == "sub_DEX6xcJ1HSW4CR"


def test_a_time_inside_of_the_payload_is_found() -> None:
    event = verified(SAMPLES["subscription.activated"])
    assert event.occurred_at == datetime(2019, 9, 5, 13, 33, 3, tzinfo=UTC)


def test_an_event_without_a_time_happened_when_it_came() -> None:
    body = sample("payment.captured")
    del body["created_at"]
    assert verified(json.dumps(body).encode()).occurred_at == NOON


def test_an_unknown_type_is_verified_and_tells_nothing() -> None:
    event = verified(b'{"event": "invoice.paid", "payload": {}}')
    assert (event.type, event.facts) == ("invoice.paid", ())


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": "29900"},
        {"amount": 299.0},
        {"amount": True},
        {"amount": -1},
        {"amount": None},
        {"amount": 2**53},
        {"currency": None},
        {"currency": ["INR"]},
        {"id": 7},
        {"id": ""},
    ],
)
def test_a_payment_that_can_not_be_read_is_never_passed_over(fields: dict[str, object]) -> None:
    event = verified(changed("payment.captured", "payment", **fields))
    assert [type(fact) for fact in event.facts] == [Unreadable]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**60) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["entity", "id", "amount", "currency", "notes"]), inner)
    ),
    max_leaves=12,
)
ENTITIES = st.sampled_from(
    ["payment", "order", "payment_link", "refund", "dispute", "subscription", "created_at"]
)


@given(st.sampled_from(sorted(SAMPLES)), st.dictionaries(ENTITIES, JSON))
def test_a_payload_of_any_shape_is_translated_or_rejected(
    kind: str, payload: dict[str, object]
) -> None:
    body = json.dumps({"event": kind, "payload": payload}).encode()
    try:
        event = verified(body)
    except SignatureRejected:
        return
    assert event.type == kind
