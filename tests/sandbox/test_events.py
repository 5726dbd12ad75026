"""Events as the providers send them: each passes the real verification and tells what is meant."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from service.core.clock import ManualClock
from service.core.errors import Misconfigured, SignatureRejected
from service.providers.base import VerifiedEvent
from service.providers.facts import (
    CheckoutExpired,
    Fact,
    PaymentAuthorized,
    PaymentFailed,
    PaymentProcessing,
    PaymentSucceeded,
    Subject,
)
from service.providers.registry import ProviderName, build_providers
from tests.conftest import NOON
from tests.support.settings import STRIPE_SECRET, make_settings
from tillgate_sandbox.events.build import signed_event
from tillgate_sandbox.events.sale import Outcome, OutcomeUnknownToProvider, Sale, SignedEvent

SETTINGS = make_settings()
SALE = Sale("ps_sample", 2999, "INR", NOON, user_id="user_7", email="ada@example.com")
UNDERWAY = replace(SALE, underway=True)
ADAPTERS = build_providers(SETTINGS.providers, ManualClock(NOON))
PROVIDERS: tuple[ProviderName, ...] = ("stripe", "razorpay", "phonepe")


def build(provider: ProviderName, outcome: Outcome, sale: Sale = SALE) -> SignedEvent:
    """Build an event with the secrets of the tests."""
    return signed_event(provider, sale, outcome, SETTINGS)


def verified(provider: ProviderName, event: SignedEvent) -> VerifiedEvent:
    """Let the provider's own adapter verify and translate it."""
    headers = {name.lower(): value for name, value in event.headers.items()}
    return ADAPTERS[provider].verify(headers, event.body, NOON)


def _named(provider: ProviderName, subject: Subject) -> tuple[str, ...]:
    """Return the session ids that an event names: PhonePe v1 has its own number alone."""
    return subject.references if provider == "phonepe" else subject.sent_ids


@pytest.mark.parametrize(
    ("provider", "outcome", "told"),
    [
        ("stripe", Outcome.SUCCEEDED, PaymentSucceeded),
        ("stripe", Outcome.PROCESSING, PaymentProcessing),
        ("stripe", Outcome.FAILED, PaymentFailed),
        ("stripe", Outcome.EXPIRED, CheckoutExpired),
        ("razorpay", Outcome.SUCCEEDED, PaymentSucceeded),
        ("razorpay", Outcome.PROCESSING, PaymentAuthorized),
        ("razorpay", Outcome.FAILED, PaymentFailed),
        ("phonepe", Outcome.SUCCEEDED, PaymentSucceeded),
        ("phonepe", Outcome.PROCESSING, PaymentProcessing),
        ("phonepe", Outcome.FAILED, PaymentFailed),
        ("phonepe", Outcome.EXPIRED, CheckoutExpired),
    ],
)
def test_an_event_is_believed_and_tells_its_outcome(
    provider: ProviderName, outcome: Outcome, told: type[Fact]
) -> None:
    # An event of a payment of Razorpay's names its order alone.
    by_order = provider == "razorpay" and outcome is not Outcome.SUCCEEDED
    sale = replace(SALE, checkout_ref="order_mine") if by_order else SALE
    event = verified(provider, build(provider, outcome, sale))
    assert event.needs_confirmation is None
    assert any(isinstance(fact, told) for fact in event.facts)
    subject = event.subject
    if by_order:
        assert "order_mine" in subject.checkout_refs
    else:
        assert "ps_sample" in _named(provider, subject)
    for fact in event.facts:
        if payment := getattr(fact, "payment", None):
            assert (payment.amount, payment.currency) == (2999, "INR")


@given(
    amount=st.integers(1, 2**53 - 1),
    session_id=st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True),
    provider=st.sampled_from(PROVIDERS),
)
def test_any_session_can_be_paid(amount: int, session_id: str, provider: ProviderName) -> None:
    sale = Sale(session_id, amount, "INR", NOON)
    event = verified(provider, build(provider, Outcome.SUCCEEDED, sale))
    (fact,) = event.facts
    assert isinstance(fact, PaymentSucceeded)
    assert (fact.payment.amount, fact.payment.currency) == (amount, "INR")
    assert session_id in _named(provider, event.subject)


def test_the_official_library_believes_the_event_of_stripe() -> None:
    event = build("stripe", Outcome.SUCCEEDED)
    signature = event.headers["Stripe-Signature"]
    assert stripe.WebhookSignature.verify_header(
        event.body.decode(), signature, STRIPE_SECRET, tolerance=None
    )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_one_changed_byte_is_not_believed(provider: ProviderName) -> None:
    event = build(provider, Outcome.SUCCEEDED)
    forged = replace(event, body=event.body.replace(b"2", b"3", 1))
    with pytest.raises(SignatureRejected):
        verified(provider, forged)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_same_outcome_is_told_alike_minutes_later(provider: ProviderName) -> None:
    later = replace(SALE, at=NOON + timedelta(seconds=250))
    first = verified(provider, build(provider, Outcome.SUCCEEDED))
    again = verified(provider, build(provider, Outcome.SUCCEEDED, later))
    # Razorpay's event is its bytes, and these hold the time: told anew, it is another one.
    assert (first.inbox_id == again.inbox_id) is (provider != "razorpay")
    assert _untimed(first.facts) == _untimed(again.facts)


def _untimed(facts: Sequence[Fact]) -> list[Fact]:
    """Return facts without when a payment was made: a sale that is told later was paid later."""
    found = []
    for fact in facts:
        assert isinstance(fact, PaymentSucceeded)
        details = fact.payment.details and replace(fact.payment.details, made_at=None)
        found.append(replace(fact, payment=replace(fact.payment, details=details)))
    return found


@pytest.mark.parametrize("provider", ["stripe", "razorpay"])
def test_another_amount_is_another_event(provider: ProviderName) -> None:
    other = build(provider, Outcome.SUCCEEDED, replace(SALE, amount=1))
    assert other.event_id != build(provider, Outcome.SUCCEEDED).event_id


def test_a_payment_that_stripe_called_unpaid_ends_in_the_events_of_delayed_methods() -> None:
    assert build("stripe", Outcome.SUCCEEDED, UNDERWAY).type.endswith("async_payment_succeeded")
    assert build("stripe", Outcome.FAILED, UNDERWAY).type.endswith("async_payment_failed")


def test_a_subscription_of_stripe_names_its_invoice_instead_of_an_intent() -> None:
    event = verified(
        "stripe", build("stripe", Outcome.SUCCEEDED, replace(SALE, mode="subscription"))
    )
    (fact,) = event.facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.payment.provider_payment_id.startswith("in_")
    assert fact.payment.subscription_id is not None


@pytest.mark.parametrize(
    ("provider", "ref"),
    [
        ("stripe", "cs_test_mine"),
        ("razorpay", "order_mine"),
        ("razorpay", "plink_mine"),
        ("phonepe", "ps_sample-2"),
    ],
)
def test_the_checkout_that_was_opened_is_the_one_that_is_paid(
    provider: ProviderName, ref: str
) -> None:
    sale = replace(SALE, checkout_ref=ref)
    event = verified(provider, build(provider, Outcome.SUCCEEDED, sale))
    assert ref in event.subject.checkout_refs
    assert isinstance(event.facts[0], PaymentSucceeded)


def test_razorpay_tells_that_a_link_expired_and_never_that_an_order_did() -> None:
    link = build("razorpay", Outcome.EXPIRED, replace(SALE, checkout_ref="plink_mine"))
    assert isinstance(verified("razorpay", link).facts[0], CheckoutExpired)
    with pytest.raises(OutcomeUnknownToProvider):
        build("razorpay", Outcome.EXPIRED)


def test_razorpay_does_not_tell_that_a_payment_of_no_order_failed() -> None:
    with pytest.raises(OutcomeUnknownToProvider):
        build("razorpay", Outcome.FAILED)


def test_upi_has_no_events() -> None:
    with pytest.raises(OutcomeUnknownToProvider):
        build("upi", Outcome.SUCCEEDED)


@pytest.mark.parametrize(
    ("provider", "variable"),
    [
        ("stripe", "STRIPE_WEBHOOK_SECRET"),
        ("razorpay", "RAZORPAY_WEBHOOK_SECRET"),
        ("phonepe", "PHONEPE_SALT_KEY"),
    ],
)
def test_without_a_secret_nothing_is_signed(provider: ProviderName, variable: str) -> None:
    settings = make_settings(**{variable: ""})
    with pytest.raises(Misconfigured, match=variable):
        signed_event(provider, SALE, Outcome.SUCCEEDED, settings)
