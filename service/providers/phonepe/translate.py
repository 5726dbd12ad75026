"""PhonePe's messages as neutral facts.

Events and shapes of v2: https://developer.phonepe.com/v1/reference/
handling-webhooks-standard-checkout-1 ("avoid strict deserialization", "rely on event").
"""

import json
import re
from datetime import datetime

from msgspec import Struct, structs

from service.core.clock import EARLIEST, from_unix
from service.core.errors import MalformedBody
from service.core.strict_json import JsonObject
from service.providers.base import OWN_ACCOUNT, VerifiedEvent
from service.providers.facts import CheckoutOpen, Subject, Unreadable
from service.providers.phonepe.orders import (
    Order,
    facts_of,
    order_id_of,
    read_v1_order,
    read_v2_order,
    subject_of,
)
from service.providers.phonepe.reading import latest_time, word_of
from service.providers.phonepe.refunds import refund_of
from service.providers.phonepe.verify import Message, read_content
from service.providers.reading import inner, text, whole
from service.providers.signing import sha256_hex

ORDER_EVENTS = frozenset({"checkout.order.completed", "checkout.order.failed"})
REFUND_EVENTS = frozenset({"pg.refund.accepted", "pg.refund.completed", "pg.refund.failed"})
NOT_FOUND = "TRANSACTION_NOT_FOUND"

# With a dot, so that no event name makes the id of a re-read (`fetch:…`) or of a v1 callback.
_EVENT_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")
_LONGEST_EVENT = 64


class Origin(Struct, frozen=True):
    """Where a translated message comes from.

    `payload` are its raw bytes, `live` the mode of our keys, `merchant_id` our own id if it is
    known; `received_at` stands in where a message holds no time.
    """

    payload: bytes
    live: bool | None
    merchant_id: str | None
    received_at: datetime


def translate_message(message: Message, origin: Origin) -> VerifiedEvent:
    """Translate a callback or a webhook. Raises `MalformedBody`."""
    content = read_content(message)
    if message.version == "v1":
        return _callback(content, origin)
    event = _event_name(content)
    payload = inner(content, "payload")
    if event in ORDER_EVENTS | REFUND_EVENTS:
        is_order = event in ORDER_EVENTS
        named = order_id_of(payload, "merchantOrderId" if is_order else "merchantRefundId")
        try:
            return (_order_event if is_order else _refund_event)(event, payload, origin)
        except MalformedBody as error:
            # It names what it is about, and a hint is good for no more.
            hint = unreadable(message, origin, error.message)
            return structs.replace(hint, type=event, needs_confirmation=named)
    return VerifiedEvent(
        provider="phonepe",
        account=_account(payload, origin),
        live=origin.live,
        event_id=f"{event}:{sha256_hex(origin.payload)}",
        type=event,
        occurred_at=_occurred_at(payload, origin),
        subject=Subject(),
        facts=(),
        payload=origin.payload,
    )


def translate_fetched(envelope: JsonObject, live: bool | None) -> VerifiedEvent:
    """Translate a re-read: `{"fetched": ref, "fetchedAt": unix seconds, "order" | "status"}`.

    `order` is the answer of v2's status API, `status` that of v1's; `refund` stands there instead
    where `fetched` is a refund's id. Raises `MalformedBody`.
    """
    if "refund" in envelope:
        return _fetched_refund(envelope, live)
    ref = order_id_of(envelope, "fetched")
    order = _fetched_order(envelope, ref)
    fetched_at = whole(envelope, "fetchedAt")
    event_id = f"fetch:{ref}:{order.state}" if order else f"fetch:{ref}:NOT_FOUND"
    if order and order.state == "PENDING" and order.latest_attempt:
        # Open, under way, open again after a failed attempt: all PENDING, yet different findings.
        event_id += f":{order.latest_attempt}"
    return VerifiedEvent(
        provider="phonepe",
        account=OWN_ACCOUNT,
        live=live,
        event_id=event_id,
        type="order.fetched",
        occurred_at=from_unix(fetched_at) if fetched_at else EARLIEST,
        subject=subject_of(order) if order else Subject((ref,), (ref,), (ref,)),
        facts=facts_of(order) if order else (CheckoutOpen(ref),),
        payload=json.dumps(envelope, separators=(",", ":")).encode(),
    )


def _fetched_refund(envelope: JsonObject, live: bool | None) -> VerifiedEvent:
    """https://developer.phonepe.com/v1/reference (refund-status): rely on the root state only."""
    refund_id, refund = order_id_of(envelope, "fetched"), inner(envelope, "refund")
    if text(refund, "merchantRefundId") not in (None, refund_id):
        raise MalformedBody("The provider answered about another refund.")
    fact = refund_of(refund_id, refund)
    order_id = fact.provider_payment_id or ""
    fetched_at = whole(envelope, "fetchedAt")
    return VerifiedEvent(
        provider="phonepe",
        account=OWN_ACCOUNT,
        live=live,
        event_id=f"fetch:refund:{refund_id}:{word_of(refund, 'state')}",
        type="refund.fetched",
        occurred_at=from_unix(fetched_at) if fetched_at else EARLIEST,
        subject=Subject((order_id,), (order_id,), (order_id,)),
        facts=(fact,),
        payload=json.dumps(envelope, separators=(",", ":")).encode(),
    )


def _fetched_order(envelope: JsonObject, ref: str) -> Order | None:
    """Read the answer; None where the customer never came to pay, which v1 calls not found."""
    status = inner(envelope, "status")
    if text(status, "code") == NOT_FOUND:
        return None
    if not status:
        return read_v2_order(inner(envelope, "order"), ref)
    order = read_v1_order(status, callback=False)
    if order.merchant_order_id != ref:
        raise MalformedBody("The provider answered about another order.")
    return order


def unreadable(message: Message, origin: Origin, reason: str) -> VerifiedEvent:
    """Return a genuine message that can't be read as it is: to be kept, and read again later."""
    is_callback = message.version == "v1"
    # Of what is vouched for: around it anybody could write ever new bodies.
    found = f"{'callback' if is_callback else 'unreadable'}:{sha256_hex(message.vouched)}"
    return VerifiedEvent(
        provider="phonepe",
        account=OWN_ACCOUNT,
        live=origin.live,
        event_id=found,
        type="callback" if is_callback else "unknown",
        occurred_at=origin.received_at,
        subject=Subject(),
        facts=(Unreadable(reason),),
        payload=origin.payload,
    )


def _callback(content: JsonObject, origin: Origin) -> VerifiedEvent:
    """v1: the signature covers the content, so it needs no confirmation."""
    order = read_v1_order(content, callback=True)
    code = word_of(content, "code")
    return VerifiedEvent(
        provider="phonepe",
        account=_account(inner(content, "data"), origin),
        live=origin.live,
        # With the amount: a callback over another one is another event, and goes to review alone.
        event_id=f"callback:{order.merchant_order_id}:{code}:{order.state}:{order.amount}",
        type="callback",
        occurred_at=origin.received_at,
        subject=subject_of(order),
        facts=facts_of(order),
        payload=origin.payload,
    )


def _order_event(event: str, payload: JsonObject, origin: Origin) -> VerifiedEvent:
    order_id = order_id_of(payload, "merchantOrderId")
    order = read_v2_order(payload, order_id)
    # That a checkout is open is known from a re-read only.
    facts = tuple(fact for fact in facts_of(order) if not isinstance(fact, CheckoutOpen))
    return VerifiedEvent(
        provider="phonepe",
        account=_account(payload, origin),
        live=origin.live,
        event_id=f"{event}:{order_id}:{word_of(payload, 'state')}",
        type=event,
        occurred_at=_occurred_at(payload, origin),
        subject=subject_of(order),
        facts=facts,
        payload=origin.payload,
        needs_confirmation=order_id,
    )


def _refund_event(event: str, payload: JsonObject, origin: Origin) -> VerifiedEvent:
    order_id = order_id_of(payload, "originalMerchantOrderId")
    refund_id = order_id_of(payload, "merchantRefundId")
    refund = refund_of(refund_id, payload)
    return VerifiedEvent(
        provider="phonepe",
        account=_account(payload, origin),
        live=origin.live,
        event_id=f"{event}:{refund_id}:{word_of(payload, 'state')}",
        type=event,
        occurred_at=_occurred_at(payload, origin),
        subject=Subject((order_id,), (order_id,), (order_id,)),
        facts=(refund,),
        payload=origin.payload,
        needs_confirmation=refund_id,
    )


def _event_name(body: JsonObject) -> str:
    """Return `event`, or the legacy `type` (CHECKOUT_ORDER_COMPLETED) in its words."""
    legacy = text(body, "type")
    event = text(body, "event") or (legacy and legacy.lower().replace("_", "."))
    if not event or len(event) > _LONGEST_EVENT or not _EVENT_NAME.fullmatch(event):
        raise MalformedBody("The body is not an event of PhonePe.")
    return event


def _account(source: JsonObject, origin: Origin) -> str:
    """Ours, unless the message names another merchant than the one that we are set up for."""
    if text(source, "merchantId") is None or origin.merchant_id is None:
        return OWN_ACCOUNT
    named = word_of(source, "merchantId")
    return OWN_ACCOUNT if named == origin.merchant_id else named


def _occurred_at(payload: JsonObject, origin: Origin) -> datetime:
    return latest_time(payload) or origin.received_at
