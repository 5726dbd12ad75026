"""Named queries that find rows of the ledger; each goes by an index."""

from collections.abc import Collection, Sequence
from datetime import datetime

from bson import ObjectId
from msgspec import Struct

from service.core.paging import Cursor, Swept
from service.payments.disputes.documents import Dispute
from service.payments.disputes.states import DisputeStatus
from service.payments.payments.documents import Payment
from service.payments.payments.states import PaymentStatus
from service.payments.refunds import repository as refunds
from service.providers.registry import REGISTRY
from service.storage.database import WRITTEN_AT, Row
from service.storage.paging import Walk, read_page
from service.storage.sweeps import sweep

# All states: an index that begins with the state then serves lists of any, in the order of time.
_ANY_PAYMENT = [status.value for status in PaymentStatus]
_ANY_DISPUTE = [status.value for status in DisputeStatus]
_BY_STATUS = "merchant_status_createdAt_id"


class PaymentFilter(Struct, frozen=True, kw_only=True):
    """Which payments are wanted; None: any. Amounts in minor units, `since` and `most` included.

    `session_ids` are those that the payments belong to. `owners`: those who opened their sessions.
    """

    merchant_id: str
    user_id: str | None = None
    owners: Sequence[str | None] | None = None
    status: PaymentStatus | None = None
    provider: str | None = None
    plan: str | None = None
    session_ids: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    least: int | None = None
    most: int | None = None


class DisputeFilter(Struct, frozen=True, kw_only=True):
    """Which disputes are wanted; None: any."""

    merchant_id: str
    status: DisputeStatus | None = None


async def page_of_payments(
    wanted: PaymentFilter, *, cursor: Cursor | None, limit: int
) -> tuple[list[Payment], Cursor | None]:
    """Return a page of payments, newest first, and where the next one begins."""
    rows, following = await read_page(
        Payment.get_pymongo_collection(), _walk(wanted), cursor=cursor, limit=limit
    )
    return [Payment.model_validate(row) for row in rows], following


async def page_of_changed_payments(
    wanted: PaymentFilter, since: datetime, *, cursor: Cursor | None, limit: int
) -> Swept[Payment]:
    """Return a page of the payments that were changed since a moment, the oldest change first."""
    walk = Walk(
        wanted={"merchantId": wanted.merchant_id},
        also=_filters(wanted),
        by=WRITTEN_AT,
        index="merchant_writtenAt",
        ascending=True,
    )
    swept = await sweep(Payment.get_pymongo_collection(), walk, since, cursor=cursor, limit=limit)
    found = [Payment.model_validate(row) for row in swept.found]
    return Swept(found, swept.following, swept.until)


async def count(wanted: PaymentFilter, limit: int) -> int:
    """Count the payments that are wanted, up to a limit."""
    walk = _walk(wanted)
    query = {"$and": [walk.wanted, walk.also]}
    payments = Payment.get_pymongo_collection()
    return await payments.count_documents(query, limit=limit, hint=walk.index)


async def payments_by_keys(merchant_id: str, keys: Collection[str]) -> list[Payment]:
    """Find a merchant's payments by their `_id` in hex; what is no such id finds nothing."""
    ids = [ObjectId(key) for key in sorted(keys) if ObjectId.is_valid(key)]
    wanted = {"_id": {"$in": ids}, "merchantId": merchant_id}
    rows = await Payment.get_pymongo_collection().find(wanted).to_list()
    return [Payment.model_validate(row) for row in rows]


async def payments_that_came_back(merchant_id: str, any_id: str) -> set[str]:
    """Return the `_id`s in hex of the payments that a refund or a dispute with an id is of.

    By any id of it: ours, its provider's, and a refund's of the bank is not one.
    """
    refunded = await refunds.find_by_any_id(merchant_id, any_id)
    disputed = await _disputes(merchant_id, any_id)
    return {*(one.payment_id for one in refunded), *(row["paymentId"] for row in disputed)}


async def page_of_disputes(
    wanted: DisputeFilter, *, cursor: Cursor | None, limit: int
) -> tuple[list[Dispute], Cursor | None]:
    """Return a page of disputes, newest first, and where the next one begins."""
    any_of = _ANY_DISPUTE if wanted.status is None else [wanted.status.value]
    walk = Walk(
        wanted={"merchantId": wanted.merchant_id, "status": {"$in": any_of}},
        by="createdAt",
        index="merchant_status_createdAt",
    )
    rows, following = await read_page(
        Dispute.get_pymongo_collection(), walk, cursor=cursor, limit=limit
    )
    return [Dispute.model_validate(row) for row in rows], following


async def find_dispute(merchant_id: str, any_id: str) -> Dispute | None:
    """Find a dispute by our id, its `_id` in hex, or by its provider's."""
    rows = await _disputes(merchant_id, any_id)
    return Dispute.model_validate(rows[0]) if rows else None


async def _disputes(merchant_id: str, any_id: str) -> list[Row]:
    theirs: Row = {"provider": {"$in": [*REGISTRY]}, "providerDisputeId": {"$eq": any_id}}
    ours = [{"_id": ObjectId(any_id)}] if ObjectId.is_valid(any_id) else []
    wanted = {"merchantId": merchant_id, "$or": [theirs, *ours]}
    return await Dispute.get_pymongo_collection().find(wanted).to_list(100)


def _walk(wanted: PaymentFilter) -> Walk:
    """Return how a list is read: by the index that fits best, the other filters row by row."""
    query: Row = {"merchantId": wanted.merchant_id}
    also = _filters(wanted)
    bounds = _between(wanted.since, wanted.until, "$lt")
    if bounds:
        query["createdAt"] = bounds
    if wanted.session_ids is not None:
        # Of one email address, so few that they may be sorted in memory.
        query["sessionId"], index = {"$in": [*wanted.session_ids]}, "sessionId"
    elif wanted.user_id is not None:
        query["userId"], index = also.pop("userId"), "merchant_user_createdAt_id"
    else:
        any_of = _ANY_PAYMENT if wanted.status is None else [wanted.status.value]
        also.pop("status", None)
        query["status"], index = {"$in": any_of}, _BY_STATUS
    return Walk(wanted=query, also=also, by="createdAt", index=index)


def _filters(wanted: PaymentFilter) -> Row:
    """Return the filters on single fields; values are compared, never interpreted."""
    given = {
        "userId": wanted.user_id,
        "status": wanted.status.value if wanted.status else None,
        "provider": wanted.provider,
        "planId": wanted.plan,
    }
    filters: Row = {name: {"$eq": value} for name, value in given.items() if value is not None}
    if wanted.owners is not None:
        filters["owner"] = {"$in": [*wanted.owners]}
    amounts = _between(wanted.least, wanted.most, "$lte")
    return filters | ({"amount": amounts} if amounts else {})


def _between(least: object, most: object, end: str) -> Row:
    return ({} if least is None else {"$gte": least}) | ({} if most is None else {end: most})
