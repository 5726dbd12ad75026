"""What Razorpay's entities mean: a payment, and by which ids an event finds its session.

Shapes: https://razorpay.com/docs/webhooks/payments and /webhooks/payment-links.
"""

from service.core.strict_json import JsonObject
from service.providers.facts import Payment, Subject
from service.providers.reading import distinct, inner, needed_amount, needed_text, text


def payment_of(entity: JsonObject, subscription_id: str | None = None) -> Payment:
    """Read a payment entity. Raises `MalformedBody`.

    `checkout_ref` is always the order, for a payment link too: the order is the one id that every
    event of a payment reports, so that the ledger row is the same whichever comes first.
    """
    return Payment(
        provider_payment_id=needed_text(entity, "id"),
        amount=needed_amount(entity),
        currency=needed_text(entity, "currency").upper(),
        method=text(entity, "method"),
        checkout_ref=text(entity, "order_id"),
        customer_id=text(entity, "customer_id"),
        subscription_id=subscription_id,
        email=text(entity, "email"),
    )


def subject_of(
    *, payment: JsonObject, order: JsonObject, link: JsonObject, subscription: JsonObject
) -> Subject:
    """Gather the ids of one event, from those of its entities that are there (else empty ones).

    Notes of an order, a link or a subscription are a server's. Those of a payment are written by
    Checkout.js, so by whoever sits before the browser: they are not read at all.
    """
    order_ids = distinct(
        text(payment, "order_id"), _order_id(text(link, "order_id")), _order_id(text(order, "id"))
    )
    notes = [inner(entity, "notes") for entity in (order, link, subscription)]
    references = distinct(text(order, "receipt"), text(link, "reference_id"))
    return Subject(
        checkout_refs=distinct(text(link, "id"), *order_ids),
        object_ids=distinct(*order_ids, text(payment, "id")),
        sent_ids=distinct(*(text(note, "sessionId") for note in notes)),
        merchant_id=next(iter(distinct(*(text(note, "merchantId") for note in notes))), None),
        attempt_ids=references,
        references=references,
    )


def _order_id(given: str | None) -> str | None:
    """`payment_link.paid` shows the order's id without its prefix: that is no id to match by."""
    return given if given and given.startswith("order_") else None
