"""What a message of the outbox is about, as mails say it: read from our rows, not from outside."""

from datetime import datetime, timedelta

from msgspec import Struct

from service.core.clock import from_unix
from service.core.money import currency_exists
from service.core.strict_json import JsonObject, JsonValue
from service.notifications.mail.operations.words import price, share, time
from service.outbox.documents import OutboxMessage
from service.payments.payments import repository as payments
from service.payments.refunds import repository as refunds
from service.payments.refunds.documents import Refund
from service.payments.refunds.states import RefundStatus
from service.providers.money import exponent
from service.providers.registry import REGISTRY
from service.sessions import repository as sessions
from service.sessions.documents import Session
from service.storage.plain import NO_TRANSACTION

_SOMETHING = ("transactions", "refunded", "lost", "adjustments")
_AMOUNTS = frozenset({"revenue", "refunded", "lost", "netRevenue", "adjusted"})
_LONG_AGO = timedelta(days=62)


class About(Struct, frozen=True):
    """What is said, and to which customer: None for nobody. `silent`: nobody at all is written to.

    `pages` is the page of the dashboard on which a merchant reads more.
    """

    values: JsonObject
    customer: str | None = None
    silent: bool = False
    page: str = ""


async def about(message: OutboxMessage) -> About:
    """Return what a message is about. What is gone by now is left out."""
    session = None
    if message.session_id:
        session = await sessions.find(message.merchant_id, message.session_id)
    match message.topic.partition(".")[0]:
        case "session":
            return _session(message, session)
        case "refund":
            return await _refund(message, session)
        case "dispute":
            return await _dispute(message, session)
        case "alert":
            return _alert(message)
        case "recovery":
            return _reminder(message, session)
        case "report":
            return _week(message) if message.topic == "report.week_ended" else _report(message)
        case _:
            return _subscription(message, session)


def _session(message: OutboxMessage, session: Session | None) -> About:
    """Say what was bought; without a payment only to an address that somebody vouched for.

    A browser may have named any address as its own, and can fail as often as it likes, or complete
    what costs nothing. A receipt that took a payment goes to whomever it named.
    """
    if session is None:
        return About({}, silent=True)
    values = _bought(session) | {
        "amount": amount_of(session.amount, session.provider, session.currency),
        "when": time(session.completed_at or message.created_at),
        "provider": _title(session.provider),
        "payment": session.provider_payment_id,
    }
    for_nothing = session.free_allowed and session.provider_payment_id is None
    unpaid = for_nothing or message.topic == "session.failed"
    unproven = unpaid and not session.email_vouched
    return About(values, None if unproven else session.email)


async def _refund(message: OutboxMessage, session: Session | None) -> About:
    refund_id = str(message.payload["refundId"])
    refund = await refunds.find(message.merchant_id, refund_id, NO_TRANSACTION)
    # Of money that never came none goes back; what a lost dispute paid back is no refund of ours.
    if refund is None or refund.void or refund.by_dispute is not None:
        return About({}, silent=True)
    values = _bought(session) | {
        "amount": amount_of(refund.amount, refund.provider, refund.currency),
        "when": time(message.created_at),
        "reason": _reason(refund, message.topic),
        "refund": refund.refund_id,
        "payment": refund.provider_payment_id,
        "session": refund.session_id,
        "test": refund.live is False,
    }
    asked = message.topic != "refund.denied" or refund.source == "customer"
    customer = session.email if session is not None and asked else None
    status = message.payload.get("status") or RefundStatus.REQUESTED.value
    return About(values, customer, page=f"/dashboard/refunds?status={status}")


def _reason(refund: Refund, topic: str) -> str | None:
    if topic == "refund.failed":
        return refund.failure_message or refund.failure_code
    return refund.reason if topic == "refund.requested" else refund.admin_reason


async def _dispute(message: OutboxMessage, session: Session | None) -> About:
    told = message.payload
    payment = await payments.find_by_key(str(told["paymentId"]), NO_TRANSACTION)
    provider = payment.provider if payment is not None else ""
    values = _bought(session) | {
        "amount": _told_amount(told, provider),
        "deadline": _told_time(told.get("respondBy")),
        "dispute": told.get("disputeId"),
        "payment": payment.provider_payment_id if payment is not None else None,
        "session": message.session_id or None,
        "test": payment is not None and payment.live is False,
    }
    return About(values, page="/dashboard/disputes")


def _reminder(message: OutboxMessage, session: Session | None) -> About:
    """Say what was left, and how to go on, to an address that somebody vouched for."""
    told = message.payload
    if session is None or told.get("mailed") is not True:
        return About({}, silent=True)
    values = _bought(session) | {
        "amount": amount_of(session.amount, session.provider, session.currency),
        "deadline": _told_time(told.get("linkEndsAt")),
        "link": told.get("link"),
        "provider": _title(session.provider),
    }
    return About(values, session.email if session.email_vouched else None)


def _alert(message: OutboxMessage) -> About:
    told = message.payload
    values: JsonObject = {
        "alert": told.get("what") or told.get("rule"),
        "rule": told.get("rule"),
        "detail": told.get("reason"),
        "when": _told_time(told.get("since")),
    }
    return About(values, page="/dashboard/alerts")


def _report(message: OutboxMessage) -> About:
    """Say what a month came to that was closed; nobody is written to about one with nothing.

    Nor about one of long ago: whoever begins to close months has all of them closed at once.
    """
    told = message.payload
    until = datetime.fromisoformat(str(told["end"]))
    if not any(told[name] for name in _SOMETHING) or message.created_at - until > _LONG_AGO:
        return About({}, silent=True)
    values = _days(told) | {"hash": told["hash"], "rows": [_told_row(told)]}
    return About(values, page="/dashboard")


def _week(message: OutboxMessage) -> About:
    """Say what a week came to, by currency; also that nothing happened in it."""
    told = message.payload["currencies"]
    rows = told if isinstance(told, list) else []
    said: list[JsonValue] = [_told_row(row) for row in rows if isinstance(row, dict)]
    return About(_days(message.payload) | {"rows": said}, page="/dashboard")


def _days(told: JsonObject) -> JsonObject:
    since, until = (datetime.fromisoformat(str(told[name])) for name in ("start", "end"))
    last = until - timedelta(hours=1)
    return {"since": time(since, day_alone=True), "until": time(last, day_alone=True)}


def _told_row(told: JsonObject) -> JsonObject:
    """Return what a report came to in one currency: amounts as mails write them."""
    said: JsonObject = {
        name: _told_amount(told | {"amount": value}, "") if name in _AMOUNTS else value
        for name, value in told.items()
    }
    rate = told.get("conversionRate")
    return said | ({"conversionRate": share(rate)} if isinstance(rate, int | float) else {})


def _subscription(message: OutboxMessage, session: Session | None) -> About:
    """Say how a subscription stands, to who began it: the id may be a later session's by now."""
    told = message.payload
    opened_at = told.get("sessionOpenedAt")
    if session is not None and opened_at not in {None, session.created_at.isoformat()}:
        session = None
    values = _bought(session) | {
        "amount": _told_amount(told, session.provider if session is not None else ""),
        "deadline": _told_time(told.get("retriedUntil")),
        "reason": told.get("reason"),
        "when": time(message.created_at),
    }
    return About(values, session.email if session is not None else None)


def _bought(session: Session | None) -> JsonObject:
    """Return what a session sold."""
    if session is None:
        return {}
    quantity = str(session.quantity) if session.quantity > 1 else None
    return {
        "item": session.title or session.plan or session.event_id,
        "quantity": quantity,
        "session": session.session_id,
        "test": session.live is False,
    }


def amount_of(minor: int, provider: str, currency: str) -> JsonObject:
    """Return an amount as its provider counts it."""
    return price(minor, exponent(provider, currency), currency)


def _told_amount(told: JsonObject, provider: str) -> JsonValue:
    minor, currency = told.get("amount"), told.get("currency")
    if not isinstance(minor, int) or not isinstance(currency, str) or not currency_exists(currency):
        return None
    return amount_of(minor, provider, currency)


def _told_time(told: JsonValue) -> JsonValue:
    """Return a time of a payload, which has it as RFC 3339 or in Unix seconds."""
    if isinstance(told, int | float):
        return time(from_unix(told))
    return {"at": told, "dayAlone": False} if isinstance(told, str) and told else None


def _title(provider: str) -> str:
    row = REGISTRY.get(provider)
    return provider if row is None else row.traits.title
