"""What each provider tells of one session, in the order in which it happened."""

from collections.abc import Callable
from typing import Any

from tests.support.events import (
    Delivery,
    phonepe_callback,
    razorpay_event,
    razorpay_payment,
    stripe_checkout,
    stripe_intent,
)
from tests.support.shop import Shop

Stream = Callable[[Shop, dict[str, Any], int], list[Delivery]]
"""Makes the deliveries of a session; the number is how many seconds lie between two of them."""


def stripe_paid_later(shop: Shop, session: dict[str, Any], step: int) -> list[Delivery]:
    """A bank debit: finished unpaid, declined once, then paid by another attempt."""
    failed = stripe_intent(session, status="requires_payment_method", amount_received=0)
    tried = {"id": "pm_1", "type": "card", "card": {"brand": "visa", "last4": "0002"}}
    failed |= {"latest_charge": f"ch_1_{session['sessionId']}", "payment_method": None}
    failed["last_payment_error"] = {
        **{"code": "card_declined", "message": "Declined.", "decline_code": "do_not_honor"},
        **{"charge": failed["latest_charge"], "payment_method": tried},
    }
    paid = stripe_intent(
        session, latest_charge=f"ch_2_{session['sessionId']}", payment_method="pm_2"
    )
    return _numbered(
        session,
        lambda name: [
            shop.stripe(
                "checkout.session.completed",
                stripe_checkout(session, payment_status="unpaid"),
                step,
                event_id=name(0),
            ),
            shop.stripe("payment_intent.payment_failed", failed, 2 * step, event_id=name(1)),
            shop.stripe(
                "checkout.session.async_payment_succeeded",
                stripe_checkout(session),
                3 * step,
                event_id=name(2),
            ),
            shop.stripe("payment_intent.succeeded", paid, 3 * step, event_id=name(3)),
        ],
    )


def stripe_intent_last(shop: Shop, session: dict[str, Any], step: int) -> list[Delivery]:
    """The checkout is named by the older event only."""
    return stripe_paid_later(shop, session, step)[::3]


def stripe_failed_later(shop: Shop, session: dict[str, Any], step: int) -> list[Delivery]:
    """A bank debit that bounces: the checkout is over."""
    failed = stripe_intent(session, status="requires_payment_method", amount_received=0)
    failed["last_payment_error"] = {"code": "insufficient_funds", "message": "No money."}
    processing = stripe_intent(session, status="processing", amount_received=0)
    unpaid = stripe_checkout(session, payment_status="unpaid")
    return _numbered(
        session,
        lambda name: [
            shop.stripe("checkout.session.completed", unpaid, step, event_id=name(0)),
            shop.stripe("payment_intent.processing", processing, step, event_id=name(1)),
            shop.stripe("payment_intent.payment_failed", failed, 2 * step, event_id=name(2)),
            shop.stripe(
                "checkout.session.async_payment_failed", unpaid, 3 * step, event_id=name(3)
            ),
        ],
    )


def stripe_second_checkout(shop: Shop, session: dict[str, Any], step: int) -> list[Delivery]:
    """The first of two checkouts expires after a declined card, the second is paid."""
    sid = session["sessionId"]
    declined = stripe_intent(session, id=f"pi_1_{sid}", amount_received=0)
    declined["last_payment_error"] = {"code": "card_declined", "message": "Declined."}
    second = {"payment_intent": f"pi_2_{sid}", "customer": f"cus_2_{sid}"}
    old = stripe_checkout(
        session, id=f"cs_1_{sid}", status="expired", payment_status="unpaid", payment_intent=None
    )
    new = stripe_checkout(session, id=f"cs_2_{sid}", **second)
    paid = stripe_intent(session, id=f"pi_2_{sid}")
    return _numbered(
        session,
        lambda name: [
            shop.stripe("payment_intent.payment_failed", declined, step, event_id=name(0)),
            shop.stripe("checkout.session.expired", old, 2 * step, event_id=name(1)),
            shop.stripe("checkout.session.completed", new, 3 * step, event_id=name(2)),
            shop.stripe("payment_intent.succeeded", paid, 3 * step, event_id=name(3)),
        ],
    )


def razorpay_late_authorization(shop: Shop, session: dict[str, Any], step: int) -> list[Delivery]:
    """A payment that failed is authorized later after all; three events tell that it was paid."""
    sid = session["sessionId"]
    payment = razorpay_payment(session)
    failure = {"error_code": "BAD_REQUEST_ERROR", "error_description": "Timed out."}
    order = {"id": payment["order_id"], "receipt": sid, "amount_paid": 1000, "notes": []}
    order["attempts"] = 3
    held = {"fee": None, "tax": None, "acquirer_data": {"bank_transaction_id": None}}
    link = {"id": f"plink_{sid}", "reference_id": sid, "notes": {"sessionId": sid}}

    def told(kind: str, at: int, number: int, **more: Any) -> Delivery:
        status = kind.removeprefix("payment.") if kind.startswith("payment.") else "captured"
        fields = {"status": status, **(failure if status == "failed" else {})}
        fields |= {} if status == "captured" else held
        entities = {"payment": payment | fields, **more}
        return razorpay_event(
            kind, entities, created=shop.unix(at * step), event_id=f"evt-{sid}-{number}"
        )

    return [
        told("payment.failed", 1, 0),
        told("payment.authorized", 2, 1),
        told("payment.captured", 3, 2),
        told("order.paid", 3, 3, order=order),
        told("payment_link.paid", 3, 4, order=order, payment_link=link),
    ]


def razorpay_second_attempt(shop: Shop, session: dict[str, Any], step: int) -> list[Delivery]:
    """The first payment of an order fails, the second one is held, then captured."""
    sid = session["sessionId"]

    def told(kind: str, at: int, number: int, payment_id: str) -> Delivery:
        status = kind.removeprefix("payment.")
        payment = razorpay_payment(session, id=f"pay_{payment_id}_{sid}", status=status)
        return razorpay_event(
            kind,
            {"payment": payment},
            created=shop.unix(at * step),
            event_id=f"evt-{sid}-{number}",
        )

    return [
        told("payment.authorized", 1, 0, "1"),
        told("payment.failed", 2, 1, "1"),
        told("payment.authorized", 3, 2, "2"),
        told("payment.captured", 4, 3, "2"),
    ]


def razorpay_fell_through(shop: Shop, session: dict[str, Any], step: int) -> list[Delivery]:
    """A link runs out while a payment is held, and the payment fails in the end."""
    sid = session["sessionId"]
    link = {"id": f"plink_{sid}", "reference_id": sid, "status": "expired", "notes": []}

    def payment(kind: str, at: int, number: int) -> Delivery:
        entity = razorpay_payment(session, status=kind.removeprefix("payment."))
        name = f"evt-{sid}-{number}"
        return razorpay_event(
            kind, {"payment": entity}, created=shop.unix(at * step), event_id=name
        )

    expired = razorpay_event(
        "payment_link.expired",
        {"payment_link": link},
        created=shop.unix(2 * step),
        event_id=f"evt-{sid}-1",
    )
    return [payment("payment.authorized", 1, 0), expired, payment("payment.failed", 3, 2)]


def phonepe_slow_bank(shop: Shop, session: dict[str, Any], step: int) -> list[Delivery]:
    """The bank is slow, then the money comes, by another transfer."""
    instrument = {"type": "NETBANKING", "bankTransactionId": "B7", "bankId": "SBIN"}
    return [_pending(session), phonepe_callback(session, paymentInstrument=instrument)]


def phonepe_declined(shop: Shop, session: dict[str, Any], step: int) -> list[Delivery]:
    """The bank is slow, then it declines. PhonePe's callbacks tell no time."""
    failed = phonepe_callback(session, state="FAILED", code="PAYMENT_DECLINED")
    return [_pending(session), failed]


def _pending(session: dict[str, Any]) -> Delivery:
    return phonepe_callback(session, state="PENDING", code="PAYMENT_PENDING")


def _numbered(
    session: dict[str, Any], make: Callable[[Callable[[int], str]], list[Delivery]]
) -> list[Delivery]:
    return make(lambda number: f"evt_{session['sessionId']}_{number}")
