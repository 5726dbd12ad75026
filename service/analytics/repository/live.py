"""Named queries on what is going on just now; each is bounded."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from service.analytics.repository.facts import Span
from service.payments.payments.documents import Payment
from service.payments.payments.states import CAME, PaymentStatus
from service.sessions.documents import Session
from service.sessions.states import Status
from service.storage.database import Row

MOST_COUNTED: Final = 100_000
_LONGEST_MS: Final = 5_000
_SHOWN = dict.fromkeys(
    ("amount", "currency", "status", "createdAt", "provider", "sessionId", "planId"), 1
)


class Live(Struct, frozen=True):
    """How many sessions of a merchant wait to be paid, and how many for their money."""

    pending: int
    processing: int


async def live_of(merchant_id: str, currency: str, now: datetime) -> Live:
    """Count the open sessions of a merchant; one whose time is over is expired."""
    pending: Row = {"status": Status.PENDING.value, "expiresAt": {"$gt": now}}
    processing: Row = {"status": Status.PROCESSING.value}
    return Live(
        await _count(pending, merchant_id, currency),
        await _count(processing, merchant_id, currency),
    )


async def pending_since(merchant_id: str, currency: str, since: datetime, now: datetime) -> int:
    """Count the sessions that wait to be paid and were opened before a time."""
    pending: Row = {"status": Status.PENDING.value, "expiresAt": {"$gt": now}}
    return await _count(pending | {"createdAt": {"$lt": since}}, merchant_id, currency)


async def _count(wanted: Row, merchant_id: str, currency: str) -> int:
    query = wanted | {"merchantId": merchant_id, "currency": currency}
    return await Session.get_pymongo_collection().count_documents(
        query,
        limit=MOST_COUNTED,
        hint="status_expiresAt_merchant_currency",
        maxTimeMS=_LONGEST_MS,
    )


async def recent_payments(
    merchant_id: str,
    currency: str,
    limit: int,
    *,
    came: bool = True,
    within: Span | None = None,
) -> Sequence[Row]:
    """Return a merchant's latest payments; `came`: only those whose money has come."""
    states = sorted(CAME) if came else [*PaymentStatus]
    wanted: Row = {"merchantId": merchant_id, "status": {"$in": states}, "currency": currency}
    if within is not None:
        wanted["createdAt"] = {"$gte": within[0], "$lt": within[1]}
    found = Payment.get_pymongo_collection().find(
        wanted, _SHOWN, hint="merchant_status_createdAt_id", max_time_ms=_LONGEST_MS
    )
    return await found.sort([("createdAt", -1), ("_id", -1)]).limit(limit).to_list()
