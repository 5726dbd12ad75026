"""Refunds and disputes as providers post them, made of the samples, about a session's payment."""

import json
from typing import Any

from service.inbox.operations.replay import retry_waiting
from tests.support.events import SAMPLES, Delivery, razorpay_event, razorpay_payment
from tests.support.shop import LEFT_OUT, Shop

Session = dict[str, Any]

# Each event has an own id; what is parked is counted as it is tried again.
_OF_ONE_ORDER = {"createdAt", "places"}


def _sample(provider: str, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / provider / f"{kind}.json").read_bytes())
    return found


def stripe_refund(
    shop: Shop, session: Session, kind: str = "updated", after: int = 0, **fields: Any
) -> Delivery:
    """Make an event about a refund of a session's payment: `created`, `updated` or `failed`."""
    sid = session["sessionId"]
    found = _sample("stripe", f"refund.{kind}")["data"]["object"]
    found |= {"id": f"re_{sid}", "amount": 400, "currency": session["currency"].lower()}
    found |= {"payment_intent": f"pi_{sid}", "charge": f"ch_{sid}", "created": shop.unix()}
    # The same for each order of one life.
    found_id = f"evt_{fields.pop('name', kind)}{after}{found['id']}"
    return shop.stripe(f"refund.{kind}", found | fields, after, event_id=found_id)


def stripe_dispute(
    shop: Shop, session: Session, kind: str, after: int = 0, **fields: Any
) -> Delivery:
    """Make an event about a dispute of a session's payment: `created`, `closed` and so on."""
    sid = session["sessionId"]
    found = _sample("stripe", f"charge.dispute.{kind}")["data"]["object"]
    found |= {"id": f"du_{sid}", "amount": session["amount"], "created": shop.unix()}
    found |= {"currency": session["currency"].lower(), "balance_transactions": []}
    found |= {"payment_intent": f"pi_{sid}", "charge": f"ch_{sid}"}
    return shop.stripe(
        f"charge.dispute.{kind}", found | fields, after, event_id=f"evt_{kind}{after}{sid}"
    )


def booked(session: Session, number: int, amount: int, fee: int = 0) -> dict[str, Any]:
    """Make a balance transaction of a dispute; what leaves our balance is negative."""
    return {
        "id": f"txn_{number}_{session['sessionId']}",
        "object": "balance_transaction",
        "amount": amount,
        "currency": session["currency"].lower(),
        "fee": fee,
        "created": 1791000900 + number,
    }


def razorpay_refund(
    shop: Shop,
    session: Session,
    kind: str,
    after: int = 0,
    payment: dict[str, Any] | None = None,
    **fields: Any,
) -> Delivery:
    """Make an event about a refund: `created`, `processed` or `failed`, and its payment."""
    of = razorpay_payment(session, **(payment or {}))
    found = _sample("razorpay", f"refund.{kind}")["payload"]["refund"]["entity"]
    found |= {"id": f"rfnd_{session['sessionId']}", "payment_id": of["id"], "amount": 400}
    entities = {"refund": found | fields, "payment": of}
    return razorpay_event(f"refund.{kind}", entities, created=shop.unix(after))


def razorpay_dispute(
    shop: Shop, session: Session, kind: str, after: int = 0, **fields: Any
) -> Delivery:
    """Make an event about a dispute of a session's payment: `created`, `lost` and so on."""
    of = razorpay_payment(session)
    found = _sample("razorpay", f"payment.dispute.{kind}")["payload"]["dispute"]["entity"]
    found |= {"id": f"disp_{session['sessionId']}", "payment_id": of["id"]}
    found |= {"amount": of["amount"], "amount_deducted": of["amount"] if kind == "lost" else 0}
    found |= {"currency": of["currency"]}
    entities = {"dispute": found | fields, "payment": of}
    return razorpay_event(f"payment.dispute.{kind}", entities, created=shop.unix(after))


async def ledger(shop: Shop, session: Session) -> str:
    """Return all that must be equal in any order, of the ledger and of the session, in one text."""
    wanted = {"sessionId": session["sessionId"]}
    rows = [await shop.session(session["sessionId"])]
    for name in ("payments", "refunds", "disputes", "payment_attempts"):
        rows += await shop.database[name].find(wanted).sort("_id", 1).to_list()
    left_out = LEFT_OUT | _OF_ONE_ORDER | {"paymentId", "refundId"}
    kept = [{name: row[name] for name in sorted(row) if name not in left_out} for row in rows]
    return json.dumps(kept, default=str, indent=1).replace(session["sessionId"], "ID")


async def one_of(shop: Shop, collection: str, **wanted: Any) -> dict[str, Any]:
    """Return the only row of a collection."""
    [row] = await shop.database[collection].find(wanted).to_list()
    found: dict[str, Any] = row
    return found


async def try_waiting(shop: Shop) -> int:
    """Try what waits and is due by the clock, which stands; return how many were tried."""
    return await retry_waiting(shop.api.container.inbox)
