"""Named queries on the rows that are counted, by the database's time of their last change."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

from msgspec import Struct
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.cursor import AsyncCursor

from service.intents.documents import PaymentIntent
from service.payments.attempts.documents import Attempt
from service.payments.disputes.documents import Dispute
from service.payments.payments.documents import Payment
from service.payments.refunds.documents import Refund
from service.sessions.documents import Session
from service.storage.database import WRITTEN_AT, DatabaseTime, Row
from service.storage.documents import StoredDocument, bound_client

SOURCES: Mapping[str, type[StoredDocument]] = {
    one.collection_name(): one
    for one in (Session, Payment, Attempt, Refund, Dispute, PaymentIntent)
}
"""The collections that are counted, by name."""

_INDEX = "merchant_writtenAt"
_LATEST = 100
_BATCH = 2_000
_SECOND = 2**32


class Between(Struct, frozen=True):
    """Later than a time, and not later than another where one is named."""

    after: DatabaseTime
    until: DatabaseTime | None = None

    def query(self) -> Row:
        """Return what the database is asked for."""
        return {"$gt": self.after} | ({"$lte": self.until} if self.until is not None else {})


class Limited(Struct, frozen=True):
    """How many rows are read at most, and in which session of the driver."""

    rows: int
    session: AsyncClientSession | None


async def written_after(
    source: str, merchant_id: str, after: DatabaseTime, fields: Sequence[str], limited: Limited
) -> list[Row]:
    """Return a merchant's rows of a collection that were changed after a time, oldest first.

    There may be more than so many: whoever goes on after the last one's time passes none by. Rows
    of before the database's time was kept share one with all of their second.
    """
    found = written(source, merchant_id, after, fields, limited.session)
    rows = await found.limit(limited.rows).to_list()
    if len(rows) == limited.rows:
        last, id_ = rows[-1][WRITTEN_AT], rows[-1]["_id"]
        same = {"merchantId": merchant_id, WRITTEN_AT: last, "_id": {"$gt": id_}}
        rows += await _search(source, same, fields, limited.session).to_list()
    return rows


def written(
    source: str,
    merchant_id: str,
    after: DatabaseTime,
    fields: Sequence[str],
    session: AsyncClientSession | None,
) -> AsyncCursor[Row]:
    """Search a merchant's rows of a collection that were changed after a time, oldest first."""
    wanted = {"merchantId": merchant_id, WRITTEN_AT: {"$gt": after}}
    return _search(source, wanted, fields, session)


def _search(
    source: str, wanted: Row, fields: Sequence[str], session: AsyncClientSession | None
) -> AsyncCursor[Row]:
    found = (
        SOURCES[source]
        .get_pymongo_collection()
        .find(wanted, dict.fromkeys(fields, 1), hint=_INDEX, session=session)
    )
    return found.sort([(WRITTEN_AT, 1), ("_id", 1)]).batch_size(_BATCH)


async def changes(
    source: str, merchant_id: str, within: Between, session: AsyncClientSession | None
) -> dict[object, int]:
    """Return when which rows of a collection were changed last, by their keys, of those of a time.

    The index has all of it.
    """
    wanted = {"merchantId": merchant_id, WRITTEN_AT: within.query()}
    found = (
        SOURCES[source]
        .get_pymongo_collection()
        .find(wanted, {WRITTEN_AT: 1}, hint=_INDEX, session=session)
    )
    return {row["_id"]: number_of(row[WRITTEN_AT]) for row in await found.to_list()}


async def count_written(
    source: str, merchant_id: str, after: DatabaseTime, limited: Limited
) -> int:
    """Count a merchant's rows of a collection that were changed after a time, up to so many."""
    wanted = {"merchantId": merchant_id, WRITTEN_AT: {"$gt": after}}
    return await (
        SOURCES[source]
        .get_pymongo_collection()
        .count_documents(wanted, hint=_INDEX, limit=limited.rows, session=limited.session)
    )


async def count_changes(
    source: str, merchant_id: str, within: Between, session: AsyncClientSession | None
) -> tuple[int, int]:
    """Count the rows of a collection that were changed between two times, and add these up.

    Each counts from the second in which the first may be.
    """
    stages: list[Row] = [
        {"$match": {"merchantId": merchant_id, WRITTEN_AT: within.query()}},
        {"$group": {"_id": None, "n": {"$sum": 1}, "weight": {"$sum": since(within.after.time)}}},
    ]
    found = (
        await SOURCES[source]
        .get_pymongo_collection()
        .aggregate(stages, hint=_INDEX, session=session)
    )
    rows = await found.to_list()
    return (rows[0]["n"], rows[0]["weight"]) if rows else (0, 0)


def since(second: int) -> Row:
    """Return how much later than a second a row was changed, as the database works it out."""
    whole = {"$multiply": [{"$subtract": [{"$tsSecond": f"${WRITTEN_AT}"}, second]}, _SECOND]}
    return {"$add": [whole, {"$tsIncrement": f"${WRITTEN_AT}"}]}


def number_of(at: DatabaseTime) -> int:
    """Return a time of the database as a number: such are compared ten times as fast."""
    return at.time * _SECOND + at.inc


async def by_ids(
    source: str,
    merchant_id: str,
    ids: Sequence[object],
    fields: Sequence[str],
    session: AsyncClientSession | None,
) -> list[Row]:
    """Return some rows of a collection."""
    wanted = {"_id": {"$in": [*ids]}, "merchantId": merchant_id}
    found = (
        SOURCES[source]
        .get_pymongo_collection()
        .find(wanted, dict.fromkeys(fields, 1), hint="_id_", session=session)
    )
    return await found.to_list()


async def latest_currencies(merchant_id: str) -> Counter[str]:
    """Count the currencies of what was changed last of a merchant."""
    found: Counter[str] = Counter()
    for source in (Payment, Session):
        rows = source.get_pymongo_collection().find(
            {"merchantId": merchant_id}, {"currency": 1, "_id": 0}, hint=_INDEX
        )
        latest = rows.sort([(WRITTEN_AT, -1), ("_id", -1)]).limit(_LATEST)
        found.update(row["currency"] for row in await latest.to_list())
    return found


class OfSessions(Struct, frozen=True):
    """Some sessions of a merchant, and in which session of the driver they are read."""

    merchant_id: str
    session_ids: Sequence[str]
    session: AsyncClientSession | None

    def wanted(self) -> Row:
        """Return the query for what has their ids."""
        return {"merchantId": self.merchant_id, "sessionId": {"$in": self.session_ids}}


async def sessions_of(of: OfSessions, fields: Sequence[str]) -> list[Row]:
    """Return some sessions."""
    if not of.session_ids:
        return []
    found = Session.get_pymongo_collection().find(
        of.wanted(), dict.fromkeys(fields, 1), session=of.session
    )
    return await found.to_list()


async def tries_of(of: OfSessions) -> dict[str, int]:
    """Return how many tries at paying failed for each of some sessions."""
    if not of.session_ids:
        return {}
    stages = [{"$match": of.wanted()}, {"$group": {"_id": "$sessionId", "n": {"$sum": 1}}}]
    found = await Attempt.get_pymongo_collection().aggregate(
        stages, session=of.session, hint="sessionId"
    )
    return {row["_id"]: row["n"] for row in await found.to_list()}


async def gave_back(of: OfSessions) -> frozenset[str]:
    """Return those of some sessions of which something was refunded, or is taken by a dispute."""
    if not of.session_ids:
        return frozenset()
    back = [{"refunded": {"$gt": 0}}, {"held": {"$gt": 0}}]
    found = Payment.get_pymongo_collection().find(
        of.wanted() | {"$or": back}, {"sessionId": 1}, session=of.session, hint="sessionId"
    )
    return frozenset({row["sessionId"] for row in await found.to_list()})


async def leads_of(
    merchant_id: str,
    ids: Collection[str],
    fields: Sequence[str],
    session: AsyncClientSession | None,
) -> list[Row]:
    """Return some leads of a merchant."""
    if not ids:
        return []
    wanted = {"_id": {"$in": sorted(ids)}, "merchantId": merchant_id}
    found = PaymentIntent.get_pymongo_collection().find(
        wanted, dict.fromkeys(fields, 1), session=session
    )
    return await found.to_list()


@asynccontextmanager
async def as_of_now() -> AsyncIterator[tuple[AsyncClientSession, DatabaseTime]]:
    """Yield a session of the driver whose reads see all that was committed before a time."""
    async with bound_client().start_session() as session:
        await bound_client().admin.command("ping", session=session)
        now: DatabaseTime = (session.cluster_time or {})["clusterTime"]
        yield session, now


async def merchants_written() -> list[str]:
    """Return all merchants that have anything that is counted."""
    found: set[str] = set()
    for source in SOURCES.values():
        found |= {*await source.get_pymongo_collection().distinct("merchantId")}
    return sorted(found)
