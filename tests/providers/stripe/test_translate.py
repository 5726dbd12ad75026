"""Stripe's events become facts; samples have the shape that Stripe publishes."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from msgspec import structs

from service.providers.base import VerifiedEvent
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFailed,
    Details,
    DisputeUpdated,
    InvoicePaid,
    InvoicePaymentFailed,
    NoPaymentRequired,
    Payment,
    PaymentFailed,
    PaymentProcessing,
    PaymentSucceeded,
    RefundUpdated,
    Subject,
    SubscriptionUpdated,
    Unreadable,
)
from service.providers.stripe.translate import EVENT_TYPES
from tests.providers.stripe.case import CASE, SAMPLES

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CS = "cs_test_a1rUBVjKxjzYnnn8iiYRZfGk538064CQ3lB6h6vBQJF0s4fi4dXRt2bDkK"
SUBSCRIPTION_CS = "cs_test_b1kDHnOOEHkruE96iyirU7x7UdizmBMn6yopd7tfRJUULoZ0401cbKB05S"
PI = "pi_3SqB2mKd9rTzX4Lp1Yw8Nc5H"
INVOICE = "in_1SqB8sKd9rTzX4LpZ5vNcY3j"
SUBSCRIPTION = "sub_1SqB8tKd9rTzX4LpR2mQwE7u"
CUSTOMER = "cus_TfK2pQ8sVw1Lzx"
CHARGE = "ch_3SqB2mKd9rTzX4Lp1mWq0aRt"
PAID_AT = datetime(2026, 10, 3, 4, 0, tzinfo=UTC)
# What a Checkout session and an invoice say besides.
BILLED = Details(country="DE", tax=0)
INVOICED = Details(tax=0, attempt_count=0, made_at=PAID_AT)


def received(name: str, **changes: object) -> VerifiedEvent:
    """Receive a sample, some fields of its object changed; None takes one away."""
    event: dict[str, Any] = json.loads(SAMPLES[name])
    for key, value in changes.items():
        event["data"]["object"][key] = value
    body = json.dumps(event).encode()
    return CASE.provider.verify(CASE.sign(body, NOW), body, NOW)


def paid(**changes: object) -> Payment:
    """Return the payment that the samples of a single payment tell of."""
    values: dict[str, Any] = {
        "provider_payment_id": PI,
        "amount": 2999,
        "currency": "USD",
        "method": "card",
        "checkout_ref": CS,
        "email": "buyer@example.com",
        "details": BILLED,
        **changes,
    }
    return Payment(**values)


def invoiced(**changes: object) -> Payment:
    """Return the payment that the samples of a subscription tell of."""
    values: dict[str, Any] = {
        "provider_payment_id": INVOICE,
        "amount": 2999,
        "currency": "USD",
        "customer_id": CUSTOMER,
        "subscription_id": SUBSCRIPTION,
        "email": "buyer@example.com",
        "details": INVOICED,
        **changes,
    }
    return Payment(**values)


def test_every_event_that_is_translated_has_a_sample() -> None:
    unsampled = {
        "charge.refund.updated",
        "customer.subscription.paused",
        "customer.subscription.resumed",
    }
    assert set(SAMPLES) >= EVENT_TYPES - unsampled


def test_a_paid_checkout_is_a_payment() -> None:
    event = received("checkout.session.completed")
    assert event.facts == (PaymentSucceeded(paid()),)
    assert event.subject == Subject(
        checkout_refs=(CS,),
        object_ids=(PI, CS),
        sent_ids=("ps_sample",),
        merchant_id="default",
        references=("ps_sample",),
    )
    assert event.account == "default"
    assert event.live is False
    assert event.occurred_at == datetime(2026, 10, 3, 4, 0, tzinfo=UTC)
    assert event.inbox_id == "stripe:default:test:evt_1SqB01Kd9rTzX4LpSample"


def test_a_paid_subscription_is_keyed_by_its_invoice() -> None:
    event = received("checkout.session.completed.subscription")
    payment = invoiced(method="card", checkout_ref=SUBSCRIPTION_CS, details=BILLED)
    assert event.facts == (PaymentSucceeded(payment),)


def test_a_checkout_that_names_no_payment_is_keyed_by_itself() -> None:
    event = received("checkout.session.completed", payment_intent=None)
    assert event.facts == (PaymentSucceeded(paid(provider_payment_id=CS)),)


def test_an_expanded_payment_intent_is_its_id() -> None:
    event = received("checkout.session.completed", payment_intent={"id": PI, "object": "x"})
    assert event.facts == (PaymentSucceeded(paid()),)


def test_an_unpaid_checkout_is_under_way() -> None:
    event = received("checkout.session.completed.unpaid")
    assert event.facts == (PaymentProcessing(paid(method="sepa_debit")),)


@pytest.mark.parametrize("status", ["no_payment_required", "paid"])
def test_a_checkout_of_nothing_needs_no_payment(status: str) -> None:
    event = received("checkout.session.completed.no_payment_required", payment_status=status)
    assert event.facts == (NoPaymentRequired(SUBSCRIPTION_CS, 0, "USD", CUSTOMER, SUBSCRIPTION),)


def test_a_checkout_that_only_keeps_a_card_gives_no_facts() -> None:
    event = received(
        "checkout.session.completed",
        mode="setup",
        amount_total=None,
        currency=None,
        payment_status="no_payment_required",
    )
    assert event.facts == ()


def test_a_delayed_payment_that_failed_ends_the_checkout() -> None:
    event = received("checkout.session.async_payment_failed")
    assert event.facts == (
        CheckoutFailed(CS, "async_payment_failed"),
        PaymentFailed(paid(method="sepa_debit")),
    )


def test_an_expired_checkout_brings_the_address_that_recovers_it() -> None:
    event = received("checkout.session.expired")
    assert event.facts == (CheckoutExpired(CS, "https://buy.stripe.com/r/test_YWNjdF9zYW1wbGU"),)
    assert received("checkout.session.expired", after_expiration=None).facts == (
        CheckoutExpired(CS),
    )


def test_a_recovered_checkout_is_found_by_the_one_that_expired() -> None:
    event = received("checkout.session.completed", recovered_from="cs_test_before")
    assert event.subject.checkout_refs == (CS, "cs_test_before")


def test_sent_ids_come_in_their_order_and_once() -> None:
    event = received(
        "checkout.session.completed",
        metadata={"sessionId": "two", "checkoutSessionId": "one", "other": "four"},
        client_reference_id="three",
    )
    assert event.subject.sent_ids == ("one", "two")
    assert event.subject.references == ("three",)
    assert event.subject.merchant_id is None


def test_a_declined_card_is_a_failed_attempt() -> None:
    event = received("payment_intent.payment_failed")
    details = Details(charge_id=CHARGE, method_id="pm_1SqB2lKd9rTzX4LpCard")
    [fact] = event.facts
    assert isinstance(fact, PaymentFailed)
    assert fact.payment == Payment(PI, 2999, "USD", "card", details=details)
    assert (fact.failure_code, fact.decline_code) == ("card_declined", "insufficient_funds")
    assert fact.failure_message == "Your card has insufficient funds."
    assert event.subject == Subject(
        object_ids=(PI,), sent_ids=("ps_sample",), merchant_id="default"
    )


def test_a_canceled_intent_is_a_failed_attempt() -> None:
    assert received("payment_intent.canceled").facts == (
        PaymentFailed(Payment(PI, 2999, "USD", "card"), "canceled", "abandoned"),
    )


def test_a_part_that_was_captured_is_the_amount() -> None:
    (fact,) = received("payment_intent.succeeded", amount_received=1000).facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.payment.amount == 1000


def test_a_foreign_intent_is_ignored() -> None:
    event = received("payment_intent.succeeded.foreign")
    assert event.facts == ()
    assert event.subject.object_ids == ("pi_3SqFfFKd9rTzX4Lp0Foreign",)


def test_all_events_of_one_payment_tell_the_same() -> None:
    """Any order of them gives the same ledger row: what they tell never contradicts."""
    groups = (
        ["checkout.session.completed", "payment_intent.succeeded"],
        [
            "checkout.session.completed.unpaid",
            "payment_intent.processing",
            "checkout.session.async_payment_succeeded",
            "checkout.session.async_payment_failed",
        ],
        ["checkout.session.completed.subscription", "invoice.paid", "invoice.payment_succeeded"],
    )
    for names in groups:
        payments = [
            fact.payment
            for name in names
            for fact in received(name).facts
            if hasattr(fact, "payment")
        ]
        assert len(payments) == len(names)
        for one, other in itertools.combinations(payments, 2):
            for field in {*Payment.__struct_fields__} - {"details"}:
                told = {getattr(one, field), getattr(other, field)} - {None}
                assert len(told) <= 1, f"{names} differ in {field}"
            for field in Details.__struct_fields__:
                told = {getattr(found.details, field) for found in (one, other)} - {None}
                assert len(told) <= 1, f"{names} differ in {field}"
            assert one.provider_payment_id == other.provider_payment_id


@pytest.mark.parametrize("name", ["invoice.paid", "invoice.payment_succeeded"])
def test_a_paid_invoice_writes_the_ledger(name: str) -> None:
    event = received(name)
    assert event.facts == (InvoicePaid(invoiced()),)
    assert event.subject == Subject(
        object_ids=(INVOICE,), sent_ids=("ps_sample",), merchant_id="default"
    )


def test_an_invoice_of_an_older_api_version_reads_the_same() -> None:
    details = {"metadata": {"sessionId": "ps_sample", "merchantId": "default"}}
    old = received(
        "invoice.paid", parent=None, subscription=SUBSCRIPTION, subscription_details=details
    )
    new = received("invoice.paid")
    assert (old.facts, old.subject) == (new.facts, new.subject)


def test_an_invoice_of_zero_or_of_no_subscription_is_ignored() -> None:
    assert received("invoice.paid", amount_paid=0).facts == ()
    assert received("invoice.paid", parent=None).facts == ()
    assert received("invoice.payment_failed", parent=None).facts == ()


def test_a_failed_invoice_tells_what_is_due_and_how_often_it_was_tried() -> None:
    details = structs.replace(INVOICED, attempt_count=2)
    payment = invoiced(provider_payment_id="in_1SrC8sKd9rTzX4LpRenewal", details=details)
    assert received("invoice.payment_failed").facts == (InvoicePaymentFailed(payment, 2),)


@pytest.mark.parametrize(
    ("change", "status"),
    [("created", "incomplete"), ("updated", "active"), ("deleted", "canceled")],
)
def test_a_subscription_tells_its_state(change: str, status: str) -> None:
    assert received(f"customer.subscription.{change}").facts == (
        SubscriptionUpdated(
            SUBSCRIPTION, status, CUSTOMER, datetime(2026, 11, 2, 4, 0, tzinfo=UTC), False
        ),
    )


def test_the_period_end_is_found_where_older_versions_have_it() -> None:
    event = received("customer.subscription.updated", items=None, current_period_end=1793592000)
    (fact,) = event.facts
    assert isinstance(fact, SubscriptionUpdated)
    assert fact.current_period_end == datetime(2026, 11, 2, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "changes", [{"cancel_at_period_end": True}, {"cancel_at": 1791000000 + 2592000}]
)
def test_a_subscription_that_ends_with_its_period_says_so(changes: dict[str, object]) -> None:
    (fact,) = received("customer.subscription.updated", **changes).facts
    assert isinstance(fact, SubscriptionUpdated)
    assert fact.cancel_at_period_end


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("created", "needs_response"),
        ("updated", "under_review"),
        ("closed", "won"),
        ("funds_withdrawn", "needs_response"),
        ("funds_reinstated", "won"),
    ],
)
def test_a_dispute_tells_its_state(change: str, status: str) -> None:
    event = received(f"charge.dispute.{change}")
    due = datetime(2026, 10, 10, 4, 0, tzinfo=UTC)
    (fact,) = event.facts
    assert isinstance(fact, DisputeUpdated)
    assert (fact.provider_dispute_id, fact.status) == ("du_1SqC9vKd9rTzX4LpDispute", status)
    assert (fact.provider_payment_id, fact.amount, fact.currency) == (PI, 2999, "USD")
    assert (fact.reason, fact.respond_by, fact.charge_id) == ("fraudulent", due, CHARGE)
    assert fact.opened_at == PAID_AT + timedelta(minutes=15)
    assert event.subject.object_ids == (PI,)


@pytest.mark.parametrize(
    ("change", "status", "failure"),
    [
        ("created", "pending", None),
        ("updated", "succeeded", None),
        ("failed", "failed", "lost_or_stolen_card"),
    ],
)
def test_a_refund_tells_its_state(change: str, status: str, failure: str | None) -> None:
    fact = RefundUpdated(
        "re_3SqB2mKd9rTzX4Lp1kQz7aBc",
        PI,
        2999,
        "USD",
        status,
        reason="requested_by_customer",
        charge_id=CHARGE,
        made_at=PAID_AT + timedelta(minutes=10),
        payment_ids=(PI, CHARGE),
        failure_code=failure,
    )
    assert received(f"refund.{change}").facts == (fact,)


def test_a_refund_that_waits_for_the_customer_is_pending() -> None:
    (fact,) = received("refund.created", status="requires_action", payment_intent=None).facts
    assert isinstance(fact, RefundUpdated)
    assert fact.status == "pending"
    assert fact.provider_payment_id == "ch_3SqB2mKd9rTzX4Lp1mWq0aRt"


def test_a_refunded_charge_brings_its_refunds_where_they_are_embedded() -> None:
    assert received("charge.refunded").facts == ()
    refund = json.loads(SAMPLES["refund.updated"])["data"]["object"]
    embedded = received("charge.refunded", refunds={"object": "list", "data": [refund]})
    assert embedded.facts == received("refund.updated").facts


def test_an_unknown_type_and_a_thin_event_give_no_facts() -> None:
    assert received("customer.created").facts == ()
    thin = received("v2.core.event")
    assert thin.facts == ()
    assert thin.occurred_at == datetime(2026, 10, 3, 4, 0, tzinfo=UTC)


def changed(**envelope: object) -> VerifiedEvent:
    """Receive a sample with fields of its envelope changed."""
    body = json.dumps({**json.loads(SAMPLES["checkout.session.completed"]), **envelope}).encode()
    return CASE.provider.verify(CASE.sign(body, NOW), body, NOW)


def test_a_connected_account_and_the_mode_are_part_of_the_key() -> None:
    event = changed(account="acct_other", livemode=True)
    assert event.inbox_id == "stripe:acct_other:live:evt_1SqB01Kd9rTzX4LpSample"
    assert changed(livemode=None).live is None


@pytest.mark.parametrize(
    "envelope",
    [
        {"id": None},
        {"id": ""},
        {"type": None},
    ],
)
def test_what_is_no_event_at_all_is_kept_under_the_hash_of_its_bytes(
    envelope: dict[str, object],
) -> None:
    event = changed(**envelope)
    assert [type(fact) for fact in event.facts] == [Unreadable]
    assert event.event_id == f"unreadable:{sha256(event.payload).hexdigest()}"
    assert event.type == "unknown"


@pytest.mark.parametrize(
    "envelope",
    [
        {"created": None},
        {"created": "yesterday"},
        {"created": "0001-01-01T00:00:00+14:00"},
        {"data": None},
        {"data": {"object": []}},
        {"type": "unknown.type", "data": {}},
    ],
)
def test_an_event_with_an_incomplete_envelope_is_kept(envelope: dict[str, object]) -> None:
    assert [type(fact) for fact in changed(**envelope).facts] == [Unreadable]


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"amount_total": None},
        {"amount_total": "2999"},
        {"amount_total": True},
        {"amount_total": -1},
        {"currency": None},
        {"payment_status": "later"},
        {"payment_status": None},
    ],
)
def test_money_that_can_not_be_read_is_never_passed_over(changes: dict[str, object]) -> None:
    event = received("checkout.session.completed", **changes)
    assert [type(fact) for fact in event.facts] == [Unreadable]
