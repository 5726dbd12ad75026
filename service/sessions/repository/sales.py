"""What sessions say of the payments that were sold for."""

from collections.abc import Collection
from datetime import datetime

from msgspec import Struct

from service.inbox.states import Verdict
from service.sessions.documents import Session
from service.sessions.states import Status
from service.storage.database import Row
from service.storage.transaction import Transaction

_READ = {
    "_id": 0,
    **dict.fromkeys(("merchantId", "sessionId", "createdAt", "status", "providerPaymentId"), 1),
    **dict.fromkeys(("decisions", "review"), 1),
}


class Sold(Struct, frozen=True):
    """A session, and the payments that it was sold for: none unless it is completed.

    `rejected` are those that a person has rejected; `in_review`: some may await a decision.
    """

    merchant_id: str
    session_id: str
    opened_at: datetime
    payment_ids: frozenset[str]
    rejected: frozenset[str]
    in_review: bool


async def find_sold(named: Collection[tuple[str, str]], tx: Transaction) -> list[Sold]:
    """Find sessions by (merchant, session id), and which payments each was sold for.

    The one that completed it, and whatever else a person accepted of it.
    """
    if not named:
        return []
    wanted = {
        "$or": [
            {"merchantId": merchant_id, "sessionId": {"$in": sorted(ids)}}
            for merchant_id, ids in _by_merchant(named).items()
        ]
    }
    found = Session.get_pymongo_collection().find(wanted, _READ, session=tx.session)
    return [_sold(row) for row in await found.to_list()]


def _by_merchant(named: Collection[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for merchant_id, session_id in named:
        found.setdefault(merchant_id, set()).add(session_id)
    return found


def _sold(row: Row) -> Sold:
    paid: set[str] = set()
    if row["status"] == Status.COMPLETED.value:
        paid = _decided(row, "accepted") | {row["providerPaymentId"]}
    return Sold(
        row["merchantId"],
        row["sessionId"],
        row["createdAt"],
        payment_ids=frozenset(paid),
        rejected=frozenset(_decided(row, "rejected")),
        in_review=row.get("review") is not None,
    )


def _decided(row: Row, verdict: Verdict) -> set[str]:
    return {one["paymentId"] for one in row.get("decisions", ()) if one["verdict"] == verdict}
