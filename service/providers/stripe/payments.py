"""Facts from checkout sessions and payment intents: what moves a session.

Every event of one payment carries the same id, amount and currency, so that the ledger row is the
same in whatever order they arrive. A subscription's first payment is keyed by its invoice, since
an intent no longer names its invoice (API version 2025-03-31.basil and later).
"""

from service.core.errors import MalformedBody
from service.core.strict_json import JsonObject
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFailed,
    CheckoutOpen,
    Fact,
    NoPaymentRequired,
    Payment,
    PaymentFailed,
    PaymentProcessing,
    PaymentSucceeded,
    Subject,
)
from service.providers.reading import distinct, inner, needed_amount, needed_text, text, whole, word
from service.providers.stripe.details import (
    checkout_details,
    failure_details,
    intent_details,
    method_used,
)
from service.providers.stripe.reading import currency, only_method, reference, subject_of

# An asynchronous payment that failed leaves its intent in one of these, and the session complete
# and unpaid (https://docs.stripe.com/payments/paymentintents/lifecycle).
_DEAD_INTENTS = frozenset({"requires_payment_method", "canceled"})


def checkout_subject(session: JsonObject) -> Subject:
    """Return the ids of a checkout session; a recovered one is found by the one that expired too.

    On the address of a Payment Link anybody may write a `client_reference_id`
    (https://docs.stripe.com/payment-links/url-parameters), so it counts without one only.
    """
    ref = needed_text(session, "id")
    by_link = reference(session, "payment_link") is not None
    return subject_of(
        inner(session, "metadata"),
        checkout_refs=distinct(ref, text(session, "recovered_from")),
        object_ids=distinct(reference(session, "payment_intent"), ref),
        client_reference_id=None if by_link else text(session, "client_reference_id"),
    )


def completed(session: JsonObject) -> tuple[Fact, ...]:
    """Read a completed session: paid, to be paid later, or nothing due.

    Raises `MalformedBody` where the amount, the currency or the payment status can't be read.
    """
    if text(session, "mode") == "setup":
        return ()
    status = text(session, "payment_status")
    if status == "unpaid":
        return (PaymentProcessing(_checkout_payment(session)),)
    if status == "no_payment_required" or (status == "paid" and not _total(session)):
        return (_nothing_due(session),)
    if status == "paid":
        return (PaymentSucceeded(_checkout_payment(session)),)
    raise MalformedBody(f"The checkout session has payment_status {status!r}.")


def paid_later(session: JsonObject) -> tuple[Fact, ...]:
    """Read a session whose asynchronous payment came."""
    return (PaymentSucceeded(_checkout_payment(session)),)


def failed_later(session: JsonObject) -> tuple[Fact, ...]:
    """Read a session whose asynchronous payment failed: it is complete and can't be paid again."""
    error = inner(session, "payment_intent", "last_payment_error")
    return (
        CheckoutFailed(needed_text(session, "id"), reason="async_payment_failed"),
        _failure(_checkout_payment(session), error),
    )


def expired(session: JsonObject) -> tuple[Fact, ...]:
    """Read a session that expired, with the address that opens it anew if recovery is on."""
    recovery = inner(session, "after_expiration", "recovery")
    return (CheckoutExpired(needed_text(session, "id"), text(recovery, "url")),)


def found_checkout(session: JsonObject) -> tuple[Fact, ...]:
    """Read a session that was fetched, its payment intent expanded."""
    status = text(session, "status")
    if status == "expired":
        return expired(session)
    intent_status = text(inner(session, "payment_intent"), "status")
    if status == "open":
        if intent_status == "processing":
            return (PaymentProcessing(_checkout_payment(session)),)
        return (CheckoutOpen(needed_text(session, "id")),)
    if status == "complete" and text(session, "payment_status") == "unpaid":
        if intent_status in _DEAD_INTENTS:
            return failed_later(session)
        if intent_status == "succeeded":
            return paid_later(session)
    return completed(session)


def intent_subject(intent: JsonObject) -> Subject:
    """Return the ids of a payment intent: its own, and what we sent along."""
    return subject_of(inner(intent, "metadata"), object_ids=distinct(text(intent, "id")))


def is_ours(intent: JsonObject) -> bool:
    """Return whether an intent carries our metadata; Stripe reports all of the account."""
    subject = intent_subject(intent)
    return bool(subject.sent_ids or subject.attempt_ids)


def intent_succeeded(intent: JsonObject) -> tuple[Fact, ...]:
    """Read an intent whose money is ours."""
    return (PaymentSucceeded(_intent_payment(intent)),)


def intent_processing(intent: JsonObject) -> tuple[Fact, ...]:
    """Read an intent whose money comes later, or is held until somebody captures it."""
    return (PaymentProcessing(_intent_payment(intent)),)


def intent_failed(intent: JsonObject) -> tuple[Fact, ...]:
    """Read an intent whose last attempt failed; the customer may try again."""
    error = inner(intent, "last_payment_error")
    return (_failure(_intent_payment(intent), error),)


def intent_canceled(intent: JsonObject) -> tuple[Fact, ...]:
    """Read an intent that was canceled."""
    reason = text(intent, "cancellation_reason")
    return (PaymentFailed(_intent_payment(intent), "canceled", reason),)


def found_intent(intent: JsonObject) -> tuple[Fact, ...]:
    """Read an intent that was fetched."""
    status = text(intent, "status")
    if status == "succeeded":
        return intent_succeeded(intent)
    if status in {"processing", "requires_capture"}:
        return intent_processing(intent)
    if status == "canceled":
        return intent_canceled(intent)
    return intent_failed(intent) if inner(intent, "last_payment_error") else ()


def _failure(payment: Payment, error: JsonObject) -> PaymentFailed:
    return PaymentFailed(
        payment,
        failure_code=text(error, "code"),
        failure_message=text(error, "message"),
        decline_code=word(error, "decline_code"),
        failure_details=failure_details(error),
    )


def _total(session: JsonObject) -> int:
    return needed_amount(session, "amount_total")


def _checkout_payment(session: JsonObject) -> Payment:
    subscribes = text(session, "mode") == "subscription"
    paid_by = reference(session, "invoice" if subscribes else "payment_intent")
    intent, customer = session.get("payment_intent"), inner(session, "customer_details")
    used = method_used(intent) if isinstance(intent, dict) else None
    return Payment(
        provider_payment_id=paid_by or needed_text(session, "id"),
        amount=_total(session),
        currency=currency(session),
        method=used or only_method(session),
        checkout_ref=needed_text(session, "id"),
        customer_id=reference(session, "customer"),
        subscription_id=reference(session, "subscription"),
        email=text(customer, "email") or text(session, "customer_email"),
        details=checkout_details(session, customer),
    )


def _nothing_due(session: JsonObject) -> NoPaymentRequired:
    return NoPaymentRequired(
        checkout_ref=needed_text(session, "id"),
        amount=_total(session),
        currency=currency(session),
        customer_id=reference(session, "customer"),
        subscription_id=reference(session, "subscription"),
    )


def _intent_payment(intent: JsonObject) -> Payment:
    # `amount_received` differs from `amount` only where a part was captured: that much is ours.
    received = whole(intent, "amount_received")
    return Payment(
        provider_payment_id=needed_text(intent, "id"),
        amount=received or needed_amount(intent, "amount"),
        currency=currency(intent),
        method=method_used(intent) or only_method(intent),
        customer_id=reference(intent, "customer"),
        details=intent_details(intent),
    )
