"""Named queries on what is counted beside the ledger: webhooks, in and out, and tracked events.

Each adds up by quarter-hour. Their collections have no index by the database's time of a change, so
whoever changes a row late sets `recount`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from service.analytics.documents import TrackedEvent
from service.analytics.repository.facts import Span, any_of
from service.analytics.states import quarter_of
from service.inbox.documents import WebhookEvent
from service.notifications.endpoints.documents import WebhookDelivery, WebhookEndpoint
from service.storage.database import Collection, Row
from service.storage.documents import StoredDocument
from service.storage.transaction import Transaction

_LONGEST_MS: Final = 20_000
_MOST_LATE: Final = 5_000


class _Late(Struct, frozen=True):
    """A collection whose rows may change after they were counted, and where their time stands."""

    document: type[StoredDocument]
    at: str

    @property
    def index(self) -> str:
        """Return the index of those that are to be counted anew."""
        return f"recount_merchant_{self.at}"

    @property
    def rows(self) -> Collection:
        """Return the collection."""
        return self.document.get_pymongo_collection()


_LATE: Final = (_Late(WebhookEvent, "receivedAt"), _Late(WebhookDelivery, "createdAt"))


async def came_in(merchant_id: str, spans: Sequence[Span], tx: Transaction) -> list[Row]:
    """Add up the verified events that came in, by provider, type and status."""
    wanted = {"merchantId": merchant_id, **any_of("receivedAt", spans)}
    # What the clock wrote never arrived.
    wanted["source"] = {"$ne": "clock"}
    key = {name: f"${name}" for name in ("provider", "type", "status")}
    sums = {"n": {"$sum": 1}, **_took("$receivedAt", "$processedAt")}
    group = {"_id": key | {"at": _quarter("receivedAt")}, **sums}
    rows = WebhookEvent.get_pymongo_collection()
    return await _added_up(rows, [{"$match": wanted}, {"$group": group}], "merchant_receivedAt", tx)


async def went_out(merchant_id: str, spans: Sequence[Span], tx: Transaction) -> list[Row]:
    """Add up the deliveries to a merchant's endpoints, by type and status."""
    wanted = {"endpointId": {"$in": await _endpoints(merchant_id, tx)}}
    wanted |= any_of("createdAt", spans)
    key = {name: f"${name}" for name in ("type", "status")}
    sums = {"n": {"$sum": 1}, **_took("$createdAt", "$doneAt")}
    group = {"_id": key | {"at": _quarter("createdAt")}, **sums}
    rows = WebhookDelivery.get_pymongo_collection()
    return await _added_up(rows, [{"$match": wanted}, {"$group": group}], "endpoint_createdAt", tx)


async def tracked(merchant_id: str, spans: Sequence[Span], tx: Transaction) -> list[Row]:
    """Add up tracked events by type, state and currency, by resource and by payer."""
    wanted = {"merchantId": merchant_id, **any_of("at", spans)}
    names = ("type", "state", "currency", "resource", "payer")
    sums = {"n": {"$sum": 1}, "amount": {"$sum": {"$ifNull": ["$amount", 0]}}}
    group = {"_id": {name: f"${name}" for name in names} | {"at": _quarter("at")}, **sums}
    rows = TrackedEvent.get_pymongo_collection()
    return await _added_up(rows, [{"$match": wanted}, {"$group": group}], "merchant_at", tx)


class _Whole(Struct, frozen=True):
    """All rows of a merchant in a collection, where their time stands, and the index with both."""

    rows: Collection
    owner: Row
    at: str
    index: str


async def _all_of(merchant_id: str, tx: Transaction) -> Sequence[_Whole]:
    merchant = {"merchantId": merchant_id}
    endpoints = [{"endpointId": one} for one in await _endpoints(merchant_id, tx)]
    came, went, told = (
        one.get_pymongo_collection() for one in (WebhookEvent, WebhookDelivery, TrackedEvent)
    )
    return (
        _Whole(came, merchant, "receivedAt", "merchant_receivedAt"),
        *(_Whole(went, one, "createdAt", "endpoint_createdAt") for one in endpoints),
        _Whole(told, merchant, "at", "merchant_at"),
    )


async def begins(merchant_id: str, tx: Transaction) -> datetime | None:
    """Return the quarter-hour of the first row that there is; None where there is none."""
    found = await _outermost(merchant_id, 1, tx)
    return quarter_of(min(found)) if found else None


async def bounds_of(merchant_id: str, tx: Transaction) -> list[datetime]:
    """Return when the first and the last row is of each collection that has any."""
    return await _outermost(merchant_id, 1, tx) + await _outermost(merchant_id, -1, tx)


async def _outermost(merchant_id: str, order: int, tx: Transaction) -> list[datetime]:
    found: list[datetime] = []
    for one in await _all_of(merchant_id, tx):
        rows = one.rows.find(one.owner, {one.at: 1}, hint=one.index, session=tx.session)
        found += [row[one.at] for row in await rows.sort(one.at, order).limit(1).to_list()]
    return found


async def quarters(merchant_id: str, span: Span, tx: Transaction) -> set[datetime]:
    """Return the quarter-hours of a time in which there is anything."""
    found: set[datetime] = set()
    for one in await _all_of(merchant_id, tx):
        stages: list[Row] = [
            {"$match": one.owner | any_of(one.at, [span])},
            {"$group": {"_id": {"at": _quarter(one.at)}}},
        ]
        found |= {row["at"] for row in await _added_up(one.rows, stages, one.index, tx)}
    return found


async def late(merchant_id: str, tx: Transaction) -> set[datetime]:
    """Return the quarter-hours of rows that were written after these may have been counted."""
    found: set[datetime] = set()
    for one in _LATE:
        stages: list[Row] = [
            {"$match": {"merchantId": merchant_id, "recount": True}},
            {"$group": {"_id": {"at": _quarter(one.at)}}},
        ]
        found |= {row["at"] for row in await _added_up(one.rows, stages, one.index, tx)}
    return found


async def take_late(merchant_id: str, tx: Transaction) -> tuple[list[datetime], bool]:
    """Return the times of some of these rows, which are to be marked now; are there more?"""
    times: list[datetime] = []
    more = False
    for one in _LATE:
        wanted = {"merchantId": merchant_id, "recount": True}
        found = one.rows.find(wanted, {one.at: 1}, hint=one.index, session=tx.session)
        rows = await found.limit(_MOST_LATE).to_list()
        times += [row[one.at] for row in rows]
        more = more or len(rows) == _MOST_LATE
        ids = [row["_id"] for row in rows]
        await one.rows.update_many(
            {"_id": {"$in": ids}}, {"$set": {"recount": False}}, session=tx.session
        )
    return times, more


async def merchants() -> set[str]:
    """Return all merchants that have anything here."""
    found: set[str] = set()
    for document in (WebhookEvent, WebhookEndpoint, TrackedEvent):
        found |= {*await document.get_pymongo_collection().distinct("merchantId")}
    return found


async def _endpoints(merchant_id: str, tx: Transaction) -> list[str]:
    found = WebhookEndpoint.get_pymongo_collection().find(
        {"merchantId": merchant_id}, {"_id": 1}, session=tx.session
    )
    return [row["_id"] for row in await found.to_list()]


async def _added_up(rows: Collection, stages: list[Row], index: str, tx: Transaction) -> list[Row]:
    found = await rows.aggregate(stages, hint=index, maxTimeMS=_LONGEST_MS, session=tx.session)
    return [row | row["_id"] for row in await found.to_list()]


def _quarter(name: str) -> Row:
    return {"$dateTrunc": {"date": f"${name}", "unit": "minute", "binSize": 15}}


def _took(began: str, ended: str) -> Row:
    is_done = {"$eq": [{"$type": ended}, "date"]}
    span = {"$subtract": [ended, began]}
    return {
        "took": {"$sum": {"$cond": [is_done, 1, 0]}},
        "tookMs": {"$sum": {"$cond": [is_done, span, 0]}},
    }
