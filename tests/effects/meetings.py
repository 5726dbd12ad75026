"""What each provider may tell of one session with two checkouts: facts that meet in any order.

Checkout 1 was given up for checkout 2, whose end is the session's. Each has payments of its own.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from service.inbox.operations.inbox import Arrival, Receipt
from service.inbox.operations.receive import take_in
from tests.support.events import (
    Delivery,
    phonepe_callback,
    razorpay_event,
    razorpay_payment,
    stripe_checkout,
    stripe_event,
    stripe_intent,
)
from tests.support.shop import Shop

Session = dict[str, Any]
Tell = Callable[[Shop, Session], Awaitable[Receipt]]


@dataclass(frozen=True, slots=True)
class Meeting:
    """One thing that a provider tells. `pays`, `holds`: the payment that it would be first with."""

    name: str
    tell: Tell
    pays: str | None = None
    holds: str | None = None


def _posted(make: Callable[[Shop, Session], Delivery]) -> Tell:
    async def tell(shop: Shop, session: Session) -> Receipt:
        return await shop.receive(make(shop, session))

    return tell


def _found(provider: str, make: Callable[[Shop, Session], dict[str, Any]]) -> Tell:
    """Return what a re-read found, as it is taken in after asking."""

    async def tell(shop: Shop, session: Session) -> Receipt:
        inbox = shop.api.container.inbox
        payload = json.dumps(make(shop, session)).encode()
        event = inbox.providers[provider].translate_stored("fetch:", payload)
        return await take_in(Arrival(event, "fetch", asked_for="default"), inbox)

    return tell


def refs_of(provider: str, session_id: str) -> tuple[list[str], list[str]]:
    """Return the ids of the session's two checkouts, and all by which they are known."""
    if provider == "stripe":
        refs = [f"cs_test_{n}_{session_id}" for n in (1, 2)]
        return refs, refs
    if provider == "razorpay":
        links = [f"plink_{n}_{session_id}" for n in (1, 2)]
        return links, [*links, *(f"order_{n}_{session_id}" for n in (1, 2))]
    orders = [_transaction(session_id, n) for n in (1, 2)]
    return orders, orders


def _order(session: Session, n: int) -> str:
    """Return the order of a checkout; the caller's own, of which there is one, is the session."""
    sid = session["sessionId"]
    return f"order_{n}_{sid}" if session["ours"] else sid


def _transaction(session_id: str, n: int) -> str:
    return session_id if n == 2 else f"{session_id}-1"


# Stripe


def _cs(n: int, kind: str, at: int, **fields: Any) -> Tell:
    def make(shop: Shop, session: Session) -> Delivery:
        return stripe_event(
            f"checkout.session.{kind}",
            _checkout(session, n, **fields),
            event_id=f"evt_{kind}_{n}_{at}_{session['sessionId']}",
            created=shop.unix(at),
            signed_at=shop.unix(),
        )

    return _posted(make)


def _checkout(session: Session, n: int, **fields: Any) -> dict[str, Any]:
    sid = session["sessionId"]
    ids = {"id": refs_of("stripe", sid)[0][n - 1], "payment_intent": f"pi_{n}_{sid}"}
    return stripe_checkout(session, **{**ids, "customer": f"cus_{n}_{sid}", **fields})


def _pi(n: int, kind: str, at: int, **fields: Any) -> Tell:
    def make(shop: Shop, session: Session) -> Delivery:
        intent = stripe_intent(session, id=f"pi_{n}_{session['sessionId']}", **fields)
        if kind == "payment_failed":
            intent["last_payment_error"] = {"code": "card_declined", "message": "Declined."}
        return stripe_event(
            f"payment_intent.{kind}",
            intent,
            event_id=f"evt_{kind}_{n}_{at}_{session['sessionId']}",
            created=shop.unix(at),
            signed_at=shop.unix(),
        )

    return _posted(make)


_NOT_YET: dict[str, Any] = {"payment_status": "unpaid"}
_RAN_OUT: dict[str, Any] = {"status": "expired", "payment_status": "unpaid", "payment_intent": None}


def _cs_under_way(shop: Shop, session: Session) -> dict[str, Any]:
    intent = stripe_intent(session, id=f"pi_2_{session['sessionId']}", status="processing")
    intent |= {"amount_received": 0, "created": shop.unix(40)}
    return _checkout(session, 2, status="open", payment_status="unpaid", payment_intent=intent)


def _refunded(shop: Shop, session: Session) -> Delivery:
    sid = session["sessionId"]
    refund = {"id": f"re_{sid}", "object": "refund", "amount": 400, "currency": "inr"}
    refund |= {"status": "succeeded", "payment_intent": f"pi_2_{sid}", "metadata": {}}
    return stripe_event(
        "refund.created",
        refund | {"metadata": {"sessionId": sid}},
        event_id=f"evt_re_{sid}",
        created=shop.unix(90),
        signed_at=shop.unix(),
    )


STRIPE = [
    Meeting("2 under way", _cs(2, "completed", 10, **_NOT_YET)),
    Meeting("2 expired", _cs(2, "expired", 30, **_RAN_OUT)),
    Meeting("2 bounced for good", _cs(2, "async_payment_failed", 30, **_NOT_YET)),
    Meeting("2 paid", _cs(2, "async_payment_succeeded", 50), pays="2"),
    Meeting("2 paid another amount", _pi(2, "succeeded", 50, amount_received=900)),
    Meeting("1 under way", _pi(1, "processing", 10, amount_received=0)),
    Meeting("1 expired", _cs(1, "expired", 30, **_RAN_OUT)),
    Meeting("2 declined", _pi(2, "payment_failed", 20, amount_received=0)),
    Meeting("1 paid", _pi(1, "succeeded", 50), pays="1"),
    Meeting("1 declined", _pi(1, "payment_failed", 20, amount_received=0)),
    Meeting("2 found under way", _found("stripe", _cs_under_way)),
    Meeting("2 found expired", _found("stripe", lambda _, s: _checkout(s, 2, **_RAN_OUT))),
    Meeting("2 refunded in part", _posted(_refunded)),
]


# Razorpay


def _pay(n: int, kind: str, at: int, **fields: Any) -> Tell:
    def make(shop: Shop, session: Session) -> Delivery:
        payment = _payment(session, n, status=kind, **fields)
        return razorpay_event(
            f"payment.{kind}",
            {"payment": payment},
            created=shop.unix(at),
            event_id=f"{kind}-{n}-{at}-{session['sessionId']}",
        )

    return _posted(make)


def _payment(session: Session, n: int, **fields: Any) -> dict[str, Any]:
    sid = session["sessionId"]
    ids = {"id": f"pay_{n}_{sid}", "order_id": _order(session, 1 if n == 1 else 2)}
    if fields.get("status") == "failed":
        fields |= {"error_reason": "payment_timed_out", "error_description": "Timed out."}
    return razorpay_payment(session, **{**ids, **fields})


def _link(n: int, kind: str, at: int) -> Tell:
    def make(shop: Shop, session: Session) -> Delivery:
        sid = session["sessionId"]
        link = {"id": f"plink_{n}_{sid}", "reference_id": sid, "status": kind, "notes": []}
        return razorpay_event(
            f"payment_link.{kind}",
            {"payment_link": link},
            created=shop.unix(at),
            event_id=f"link-{kind}-{n}-{sid}",
        )

    return _posted(make)


def _paid_in_part(shop: Shop, session: Session) -> Delivery:
    sid = session["sessionId"]
    link = {"id": f"plink_2_{sid}", "reference_id": sid, "notes": []}
    part = _payment(session, 2, amount=400)
    return razorpay_event(
        "payment_link.partially_paid",
        {"payment": part, "payment_link": link},
        created=shop.unix(40),
        event_id=f"part-{sid}",
    )


def _link_found(status: str, *payments: tuple[int, str]) -> Callable[[Shop, Session], Session]:
    def make(shop: Shop, session: Session) -> dict[str, Any]:
        sid = session["sessionId"]
        link = {"id": f"plink_2_{sid}", "order_id": _order(session, 2), "reference_id": sid}
        return {
            "fetched": f"plink_2_{sid}",
            "fetchedAt": shop.unix(35),
            "link": link | {"status": status, "amount": 1000, "notes": []},
            "payments": [_payment(session, n, status=state) for n, state in payments],
        }

    return make


RAZORPAY = [
    Meeting("2 held", _pay(2, "authorized", 10), holds="2"),
    Meeting("2 link expired", _link(2, "expired", 30)),
    Meeting("2 link cancelled", _link(2, "cancelled", 30)),
    Meeting("2 failed", _pay(2, "failed", 20)),
    Meeting("2 captured", _pay(2, "captured", 50), pays="2"),
    Meeting("2 captured over another amount", _pay(2, "captured", 51, amount=900)),
    Meeting("3 held", _pay(3, "authorized", 10), holds="3"),
    Meeting("2 held after all", _pay(2, "authorized", 60), holds="2"),
    Meeting("1 held", _pay(1, "authorized", 10), holds="1"),
    Meeting("3 failed", _pay(3, "failed", 20)),
    Meeting("3 captured", _pay(3, "captured", 50), pays="3"),
    Meeting("2 held over another amount", _pay(2, "authorized", 11, amount=900)),
    Meeting("1 link expired", _link(1, "expired", 30)),
    Meeting(
        "2 found expired with two payments",
        _found("razorpay", _link_found("expired", (2, "authorized"), (3, "failed"))),
        holds="2",
    ),
    Meeting(
        "2 found expired, all failed",
        _found("razorpay", _link_found("expired", (2, "failed"), (3, "failed"))),
    ),
    Meeting("2 paid in part", _posted(_paid_in_part)),
]


# PhonePe


def _callback(n: int, state: str, code: str, **data: Any) -> Tell:
    def make(shop: Shop, session: Session) -> Delivery:
        order = _transaction(session["sessionId"], n)
        ids = {"merchantTransactionId": order, "transactionId": f"T{order}"}
        return phonepe_callback(session, state=state, code=code, **{**ids, **data})

    return _posted(make)


def _status(n: int, state: str, *attempts: str, **fields: Any) -> Tell:
    def make(shop: Shop, session: Session) -> dict[str, Any]:
        sid = session["sessionId"]
        details = [
            {"transactionId": f"OM{sid}", "state": one, "timestamp": 0, "paymentMode": "UPI"}
            for one in attempts
        ]
        order = {"orderId": f"OMO{sid}", "state": state, "amount": 1000, "paymentDetails": details}
        return {
            "fetched": _transaction(sid, n),
            "fetchedAt": shop.unix(35),
            "order": order | {"metaInfo": {"udf1": sid}} | fields,
        }

    return _found("phonepe", make)


PHONEPE = [
    Meeting("2 under way", _callback(2, "PENDING", "PAYMENT_PENDING")),
    Meeting("2 declined", _callback(2, "FAILED", "PAYMENT_DECLINED")),
    Meeting("2 timed out", _callback(2, "FAILED", "TIMED_OUT")),
    Meeting("2 paid", _callback(2, "COMPLETED", "PAYMENT_SUCCESS"), pays="2"),
    Meeting("2 paid another amount", _callback(2, "COMPLETED", "PAYMENT_SUCCESS", amount=900)),
    Meeting("1 found under way", _status(1, "PENDING", "PENDING")),
    Meeting("1 found paid", _status(1, "COMPLETED", "COMPLETED"), pays="1"),
    Meeting("2 found under way", _status(2, "PENDING", "PENDING")),
    Meeting("2 found expired", _status(2, "FAILED", errorCode="ORDER_EXPIRED")),
    Meeting("1 found declined", _status(1, "FAILED", "FAILED", errorCode="TXN_DECLINED")),
    Meeting(
        "2 under way over another amount", _callback(2, "PENDING", "PAYMENT_PENDING", amount=9)
    ),
]

MEETINGS: dict[str, list[Meeting]] = {"stripe": STRIPE, "razorpay": RAZORPAY, "phonepe": PHONEPE}
