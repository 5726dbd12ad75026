"""What providers tell of one payment's money that goes back, or is disputed: each event once."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.effects.returned import (
    Session,
    booked,
    razorpay_dispute,
    razorpay_refund,
    stripe_dispute,
    stripe_refund,
)
from tests.support.events import Delivery, stripe_checkout
from tests.support.shop import Shop

# A refund that Razorpay makes for a lost dispute is made when that ends, in seconds.
_LOST = 100


def stripe_life(shop: Shop, session: Session) -> dict[str, Delivery]:
    """Two refunds, of which one fails after it succeeded; an inquiry that becomes a lost dispute.

    The amount is corrected once. Most of it is of one second.
    """
    sid = session["sessionId"]
    gone = {"balance_transactions": [booked(session, 1, -1000, 1500)]}
    failed = {"status": "failed", "failure_reason": "lost_or_stolen_card"}

    def paid(name: str, after: int = 0, **fields: Any) -> Delivery:
        found = stripe_checkout(session, **fields)
        return shop.stripe("checkout.session.completed", found, after, event_id=f"evt_{name}{sid}")

    def disputed(name: str, kind: str, after: int = 0, **fields: Any) -> Delivery:
        return stripe_dispute(shop, session, kind, after, **fields)

    return {
        "paid": paid("paid"),
        "corrected": paid("corrected", 5, amount_total=700),
        "refund created": stripe_refund(shop, session, "created"),
        "refund succeeded": stripe_refund(shop, session, "updated", status="succeeded"),
        "refund failed": stripe_refund(shop, session, "failed", **failed),
        "another refund": stripe_refund(
            shop, session, "updated", 1, id=f"re_2{sid}", amount=500, status="succeeded"
        ),
        "inquiry": disputed("inquiry", "created", status="warning_needs_response"),
        "dispute opened": disputed("opened", "updated", status="needs_response"),
        "withdrawn": disputed("withdrawn", "funds_withdrawn", status="needs_response", **gone),
        "dispute lost": disputed("lost", "closed", 9, status="lost", **gone),
    }


def razorpay_life(shop: Shop, session: Session) -> dict[str, Delivery]:
    """A refund that fails in the end, a dispute that is lost or won after all, and what it paid."""
    sid = session["sessionId"]
    by_dispute: dict[str, Any] = {"id": f"rfnd_2{sid}", "amount": 1000}
    by_dispute |= {"created_at": shop.unix(_LOST)}
    return {
        "paid": shop.razorpay("payment.captured", session),
        "authorized": shop.razorpay("payment.authorized", session, -1, status="authorized"),
        "refund created": razorpay_refund(shop, session, "created", 1),
        "refund succeeded": razorpay_refund(shop, session, "processed", 2),
        "refund failed": razorpay_refund(shop, session, "failed", 3),
        "paid back": razorpay_refund(shop, session, "processed", _LOST, **by_dispute),
        "inquiry": razorpay_dispute(shop, session, "created", phase="retrieval"),
        "dispute opened": razorpay_dispute(shop, session, "created", 4),
        "dispute lost": razorpay_dispute(shop, session, "lost", _LOST),
        "won after all": razorpay_dispute(shop, session, "won", 200, phase="arbitration"),
    }


LIVES: Mapping[str, Callable[[Shop, Session], dict[str, Delivery]]] = {
    "stripe": stripe_life,
    "razorpay": razorpay_life,
}
