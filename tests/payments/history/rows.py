"""Rows of the ledger, as events write them, put there at once."""

from datetime import datetime, timedelta
from typing import Any

from service.payments.attempts.documents import Attempt
from service.payments.disputes.documents import Dispute
from service.payments.entries.documents import Entry
from service.payments.payments.documents import Payment
from service.payments.refunds.documents import Refund
from service.storage.database import Row
from tests.conftest import NOON


def _ids(fields: dict[str, Any]) -> Row:
    return {"merchantId": "default", "provider": "stripe", "account": "default"} | fields


async def pay(paid: str, after: float = 0, **fields: Any) -> Row:
    """Insert a payment that was first heard of some seconds after noon."""
    at = NOON + timedelta(seconds=after)
    given = _ids(
        {
            "providerPaymentId": paid,
            "userId": "ada",
            "amount": 1000,
            "currency": "USD",
            "status": "succeeded",
            "metadata": {},
            "createdAt": at,
            "updatedAt": at,
            "statusAt": at,
        }
    )
    return await _insert(Payment, given | fields)


async def refund(payment: Row, refund_id: str, at: datetime = NOON, **fields: Any) -> Row:
    """Insert a refund of a payment, of a hundred minor units."""
    given = _of(payment) | {
        "refundId": refund_id,
        "amount": 100,
        "status": "succeeded",
        "source": "merchant",
        "createdAt": at,
        "updatedAt": at,
    }
    return await _insert(Refund, given | fields)


async def dispute(payment: Row, name: str, at: datetime = NOON, **fields: Any) -> Row:
    """Insert a dispute of a payment as a whole."""
    given = _of(payment) | {
        "providerDisputeId": name,
        "amount": payment["amount"],
        "status": "needs_response",
        "createdAt": at,
        "updatedAt": at,
    }
    return await _insert(Dispute, given | fields)


async def fail(payment: Row, attempt_id: str, at: datetime = NOON, **fields: Any) -> Row:
    """Insert a try at a payment that failed."""
    given = _of(payment) | {
        "attemptId": attempt_id,
        "amount": payment["amount"],
        "status": "failed",
        "failureCode": "card_declined",
        "madeAt": at,
        "createdAt": at,
        "updatedAt": at,
    }
    del given["paymentId"]
    return await _insert(Attempt, given | fields)


async def post(row: Row, **accounts: int) -> None:
    """Insert an entry about a row; accounts with a colon are written with two underscores."""
    lines = [
        {"account": name.replace("__", ":"), "currency": row["currency"], "amount": amount}
        for name, amount in accounts.items()
    ]
    given = {
        "_id": f"payment:{row['_id']}:1",
        "merchantId": row["merchantId"],
        "kind": "payment",
        "objectId": str(row["_id"]),
        "eventId": "e",
        "lines": lines,
        "postedAt": NOON,
    }
    await Entry.get_pymongo_collection().insert_one(Entry.new_row(given))


def _of(payment: Row) -> Row:
    names = ("merchantId", "provider", "account", "providerPaymentId", "currency")
    return {name: payment[name] for name in names} | {
        "paymentId": str(payment["_id"]),
        "sessionId": payment["sessionId"],
        "userId": payment["userId"],
    }


async def _insert(document: type[Any], given: Row) -> Row:
    row: Row = document.new_row(given)
    row.pop("_id", None)
    await document.get_pymongo_collection().insert_one(row)
    return row
