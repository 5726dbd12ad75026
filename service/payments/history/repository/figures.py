"""Aggregations over a range of time: one a collection, each by an index that begins with it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from service.payments.attempts.documents import Attempt
from service.payments.disputes.documents import Dispute
from service.payments.disputes.states import DisputeStatus
from service.payments.payments.documents import Payment
from service.payments.payments.states import CAME, PaymentStatus
from service.payments.refunds.documents import Refund
from service.payments.refunds.states import RefundStatus
from service.storage.database import Collection, Row, whole_numbers

_TOLD_OF, _BACK = "merchant_status_createdAt_id", "merchant_status_createdAt"

BEFORE: Final = timedelta(days=7)
"""How long before a time its payments may have been tried first."""

# What payments and tries have in common. No session's id has a colon.
_THEIRS = {
    "$ifNull": [
        "$sessionId",
        {"$concat": ["$provider", ":", "$account", ":", "$providerPaymentId"]},
    ]
}
_STEP, _MINUTE = timedelta(days=1), timedelta(minutes=1)

S = TypeVar("S", bound=Struct)


class Range(Struct, frozen=True):
    """A merchant's rows of a time, its end excluded; days begin in `zone` (IANA)."""

    merchant_id: str
    since: datetime
    until: datetime
    zone: str

    def match(self, statuses: Sequence[str]) -> Row:
        """Return the stage that finds the rows in some states."""
        made = {"$gte": self.since, "$lt": self.until}
        return {
            "$match": {
                "merchantId": self.merchant_id,
                "status": {"$in": [*statuses]},
                "createdAt": made,
            }
        }

    def day(self) -> Row:
        """Return the expression for the day of a row, as `2026-11-21`.

        By the offsets that the zone has in this time as Python knows them: the database has a list
        of zones of its own, in which younger names are missing.
        """
        *changes, last = offsets(ZoneInfo(self.zone), self.since, self.until)
        branches = [{"case": {"$lt": ["$createdAt", end]}, "then": of} for end, of in changes]
        offset = {"$switch": {"branches": branches, "default": last[1]}} if branches else last[1]
        return {"$dateToString": {"date": "$createdAt", "format": "%Y-%m-%d", "timezone": offset}}


def offsets(zone: ZoneInfo, since: datetime, until: datetime) -> list[tuple[datetime, str]]:
    """Return until when a zone has which offset (`+05:30`), over a time, to the minute."""
    found: list[tuple[datetime, str]] = []
    begins = since
    while begins < until:
        ends = min(begins + _STEP, until)
        if _offset(zone, begins) != _offset(zone, ends):
            ends = _change(zone, begins, ends)
        if found and found[-1][1] == _offset(zone, begins):
            found.pop()
        found.append((ends, _offset(zone, begins)))
        begins = ends
    return found


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return when the offset changes between two moments, of which the first is a whole minute."""
    while after - before > _MINUTE:
        middle = before + (after - before) // _MINUTE // 2 * _MINUTE
        if _offset(zone, middle) == _offset(zone, before):
            before = middle
        else:
            after = middle
    return before + _MINUTE


def _offset(zone: ZoneInfo, at: datetime) -> str:
    text = f"{at.astimezone(zone):%z}"
    return f"{text[:3]}:{text[3:5]}"


class Grouped(Struct, frozen=True, rename="camel"):
    """The payments of one day, plan, currency and state; those that failed also of one code.

    Sums in minor units; `fees` of the `fees_known` whose fee is known in the currency.
    """

    day: str
    plan: str | None
    plan_name: str | None
    currency: str
    status: PaymentStatus
    code: str | None
    count: int
    amount: int
    refunded: int
    fees: int
    fees_known: int


class RefundSum(Struct, frozen=True, rename="camel"):
    """The refunds of one day, currency and state; a void is none."""

    day: str
    currency: str
    status: RefundStatus
    count: int
    amount: int


class DisputeSum(Struct, frozen=True, rename="camel"):
    """The disputes of one day, currency and state."""

    day: str
    currency: str
    status: DisputeStatus
    count: int
    amount: int


class TriesSum(Struct, frozen=True, rename="camel"):
    """How many payments took so many tries, the successful one included."""

    tries: int
    payments: int


async def count_payments(of: Range, limit: int) -> int:
    """Count the payments of a range, up to a limit, in the index alone."""
    query = of.match([*PaymentStatus])["$match"]
    payments = Payment.get_pymongo_collection()
    return await payments.count_documents(query, limit=limit, hint=_TOLD_OF)


async def sum_payments(of: Range) -> list[Grouped]:
    """Return the sums of payments by day, plan, currency, state and, of failures, code."""
    failed = {"$eq": ["$status", PaymentStatus.FAILED.value]}
    has_fee = {
        "$and": [{"$isNumber": "$details.fee"}, {"$eq": ["$details.feeCurrency", "$currency"]}]
    }
    group: Row = {
        "_id": {
            "day": of.day(),
            "plan": {"$ifNull": ["$planId", None]},
            "currency": "$currency",
            "status": "$status",
            "code": {"$cond": [failed, {"$ifNull": ["$failureCode", None]}, None]},
        },
        # Of several names that a plan had, one that does not change with the order of rows.
        "planName": {"$max": "$planName"},
        "count": {"$sum": 1},
        "amount": {"$sum": "$amount"},
        "refunded": {"$sum": "$refunded"},
        "fees": {"$sum": {"$cond": [has_fee, "$details.fee", 0]}},
        "feesKnown": {"$sum": {"$cond": [has_fee, 1, 0]}},
    }
    stages = [of.match([*PaymentStatus]), {"$group": group}]
    return await _rows(Payment.get_pymongo_collection(), stages, Grouped, _TOLD_OF)


async def sum_refunds(of: Range) -> list[RefundSum]:
    """Return the sums of refunds by day, currency and state; what is a dispute's is not theirs."""
    match = of.match([*RefundStatus])
    match["$match"] |= {"void": {"$ne": True}, "byDispute": None}
    return await _rows(Refund.get_pymongo_collection(), _by_day(of, match), RefundSum, _BACK)


async def sum_disputes(of: Range) -> list[DisputeSum]:
    """Return the sums of disputes by day, currency and state."""
    match = of.match([*DisputeStatus])
    return await _rows(Dispute.get_pymongo_collection(), _by_day(of, match), DisputeSum, _BACK)


async def sum_tries(of: Range, currency: str) -> list[TriesSum]:
    """Return how many of the payments that succeeded took how many tries.

    Counted are the tries that failed for their session, or for themselves where they have none,
    from `BEFORE` that time on. Both collections are read once and grouped together: to look the
    tries of each payment up takes twenty times as long.
    """
    match = of.match(sorted(CAME))
    match["$match"]["currency"] = currency
    made = {"$gte": of.since - BEFORE, "$lt": of.until}
    failed: list[Row] = [
        {"$match": {"merchantId": of.merchant_id, "madeAt": made}},
        {"$project": {"_id": _THEIRS, "paid": {"$literal": 0}, "failed": {"$literal": 1}}},
    ]
    stages: list[Row] = [
        match,
        {"$project": {"_id": _THEIRS, "paid": {"$literal": 1}, "failed": {"$literal": 0}}},
        {"$unionWith": {"coll": Attempt.collection_name(), "pipeline": failed}},
        {"$group": {"_id": "$_id", "paid": {"$sum": "$paid"}, "failed": {"$sum": "$failed"}}},
        {"$match": {"paid": {"$gt": 0}}},
        {"$group": {"_id": {"tries": {"$add": [1, "$failed"]}}, "payments": {"$sum": "$paid"}}},
    ]
    return await _rows(Payment.get_pymongo_collection(), stages, TriesSum, _TOLD_OF)


def _by_day(of: Range, match: Row) -> list[Row]:
    key = {"day": of.day(), "currency": "$currency", "status": "$status"}
    sums = {"count": {"$sum": 1}, "amount": {"$sum": "$amount"}}
    return [match, {"$group": {"_id": key, **sums}}]


async def _rows(
    collection: Collection, stages: Sequence[Row], shape: type[S], index: str
) -> list[S]:
    found = await collection.aggregate([*stages], hint=index)
    return [
        msgspec.convert(whole_numbers(row) | row["_id"], shape) for row in await found.to_list()
    ]
