"""Facts from invoices and subscriptions: what writes the ledger only."""

from datetime import datetime

from service.core.strict_json import JsonObject
from service.providers.facts import (
    Fact,
    InvoicePaid,
    InvoicePaymentFailed,
    Payment,
    Subject,
    SubscriptionUpdated,
)
from service.providers.reading import (
    distinct,
    entries,
    inner,
    needed_amount,
    needed_text,
    text,
    whole,
)
from service.providers.stripe.details import invoice_aliases, invoice_details
from service.providers.stripe.reading import currency, moment, reference, subject_of


def invoice_subject(invoice: JsonObject) -> Subject:
    """Return the ids of an invoice, with the metadata that its subscription had."""
    metadata = inner(_subscription_details(invoice), "metadata")
    return subject_of(metadata, object_ids=distinct(text(invoice, "id")))


def invoice_paid(invoice: JsonObject) -> tuple[Fact, ...]:
    """Read a paid invoice of a subscription.

    One of no subscription is not ours, and one of zero (a trial begins) moved no money.
    """
    amount = needed_amount(invoice, "amount_paid")
    if not _subscription_id(invoice) or not amount:
        return ()
    return (InvoicePaid(_invoice_payment(invoice, amount)),)


def invoice_failed(invoice: JsonObject) -> tuple[Fact, ...]:
    """Read an invoice of a subscription that could not be collected."""
    if not _subscription_id(invoice):
        return ()
    payment = _invoice_payment(invoice, needed_amount(invoice, "amount_due"))
    return (InvoicePaymentFailed(payment, whole(invoice, "attempt_count")),)


def subscription_subject(subscription: JsonObject) -> Subject:
    """Return what was sent along when the subscription was opened."""
    return subject_of(inner(subscription, "metadata"))


def subscription_updated(subscription: JsonObject) -> tuple[Fact, ...]:
    """Read the state of a subscription; a deleted one says `canceled`."""
    return (
        SubscriptionUpdated(
            provider_subscription_id=needed_text(subscription, "id"),
            status=needed_text(subscription, "status"),
            customer_id=reference(subscription, "customer"),
            current_period_end=period_end(subscription),
            cancel_at_period_end=ends_with_period(subscription),
        ),
    )


def ends_with_period(subscription: JsonObject) -> bool:
    """Return whether a subscription is to end with the period that is under way.

    Those of flexible billing end by `cancel_at` and leave `cancel_at_period_end` false.
    """
    cancel_at = moment(subscription, "cancel_at")
    return subscription.get("cancel_at_period_end") is True or (
        cancel_at is not None and cancel_at == period_end(subscription)
    )


def period_end(subscription: JsonObject) -> datetime | None:
    """Return the period's end, which moved from the subscription to its items with basil."""
    ends = [
        moment(item, "current_period_end") for item in entries(inner(subscription, "items"), "data")
    ]
    known = [end for end in (*ends, moment(subscription, "current_period_end")) if end is not None]
    return max(known, default=None)


def _subscription_details(invoice: JsonObject) -> JsonObject:
    """Return the details under `parent`, where they moved with 2025-03-31.basil, or beside it."""
    details = inner(invoice, "parent", "subscription_details")
    return details or inner(invoice, "subscription_details")


def _subscription_id(invoice: JsonObject) -> str | None:
    return reference(_subscription_details(invoice), "subscription") or reference(
        invoice, "subscription"
    )


def _invoice_payment(invoice: JsonObject, amount: int) -> Payment:
    return Payment(
        provider_payment_id=needed_text(invoice, "id"),
        amount=amount,
        currency=currency(invoice),
        customer_id=reference(invoice, "customer"),
        subscription_id=_subscription_id(invoice),
        email=text(invoice, "customer_email"),
        aliases=invoice_aliases(invoice),
        details=invoice_details(invoice),
    )
