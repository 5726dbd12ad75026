"""What is particular to Stripe's JSON; the rest is read by `service.providers.reading`.

Stripe sends null for what is not set, and an id or the whole object for what may be expanded
(https://docs.stripe.com/api/expanding_objects).
"""

from datetime import datetime

from service.core.clock import from_unix
from service.core.strict_json import JsonObject
from service.providers.facts import Subject
from service.providers.reading import distinct, needed_text, text, whole
from service.providers.subscribed import Interval

_INTERVALS: dict[str, Interval] = {"day": "day", "week": "week", "month": "month", "year": "year"}


def reference(source: JsonObject, key: str) -> str | None:
    """Return the id of an object that stands there by id or expanded."""
    value = source.get(key)
    return text(value, "id") if isinstance(value, dict) else text(source, key)


def moment(source: JsonObject, key: str) -> datetime | None:
    """Return Unix seconds as a moment."""
    seconds = whole(source, key)
    return None if seconds is None else from_unix(seconds)


def currency(source: JsonObject) -> str:
    """Return the currency in capitals; Stripe writes it small. Raises `MalformedBody`."""
    return needed_text(source, "currency").upper()


def only_method(source: JsonObject) -> str | None:
    """Return the payment method where a single one was offered.

    Which of several was used stands in the charge alone; a guess would differ between events.
    """
    types = source.get("payment_method_types")
    if isinstance(types, list) and len(types) == 1 and isinstance(types[0], str):
        return types[0]
    return None


def subject_of(
    metadata: JsonObject,
    *,
    checkout_refs: tuple[str, ...] = (),
    object_ids: tuple[str, ...] = (),
    client_reference_id: str | None = None,
) -> Subject:
    """Return the ids by which a session is found; ours came back in the metadata."""
    return Subject(
        checkout_refs=checkout_refs,
        object_ids=object_ids,
        sent_ids=distinct(text(metadata, "checkoutSessionId"), text(metadata, "sessionId")),
        merchant_id=text(metadata, "merchantId"),
        attempt_ids=distinct(text(metadata, "attemptId")),
        references=distinct(client_reference_id),
    )


def interval_in(recurring: JsonObject) -> Interval | None:
    """Return how long a period of a recurring price is, as one of our words."""
    return _INTERVALS.get(text(recurring, "interval") or "")
