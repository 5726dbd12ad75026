"""Named queries on facts, on the marks of what changed, and on how far was read."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from msgspec import Struct
from pymongo import ReplaceOne, UpdateOne
from pymongo.asynchronous.command_cursor import AsyncCommandCursor

from service.analytics.documents import DirtyBucket, Fact, FiguresState, Rollup
from service.storage.database import Row
from service.storage.transaction import Transaction

Span: TypeAlias = tuple[datetime, datetime]
"""A time, its end excluded."""

SPANS_AT_ONCE: Final = 100
"""How many times one query names: of 300 the database plans for seconds, of 100 not at all."""

_QUARTER: Final = {"$dateTrunc": {"date": "$at", "unit": "minute", "binSize": 15}}
_ADDED_UP: Final = dict.fromkeys(
    (
        *("at", "currency", "kind", "state", "provider", "item", "country", "code"),
        *("amount", "tries", "tookMs", "slot", "payer"),
    ),
    1,
) | {"_id": 0}
_AT_ONCE: Final = 5_000
_LONGEST_MS: Final = 20_000


def some_at_once(spans: Sequence[Span]) -> Iterator[Sequence[Span]]:
    """Yield times, so many of them as one query names."""
    for n in range(0, len(spans), SPANS_AT_ONCE):
        yield spans[n : n + SPANS_AT_ONCE]


def any_of(name: str, spans: Sequence[Span]) -> Row:
    """Return the query for a field to be within one of some times."""
    within: list[Row] = [{name: {"$gte": since, "$lt": until}} for since, until in spans]
    return within[0] if len(within) == 1 else {"$or": within}


class Which(Struct, frozen=True):
    """Which facts are added up: a merchant's, of some times, but some that are known better."""

    merchant_id: str
    spans: Sequence[Span]
    but: Collection[str] = ()


async def by_ids(ids: Sequence[str], tx: Transaction) -> dict[str, Row]:
    """Return facts as they are stored, by their ids."""
    found = Fact.get_pymongo_collection().find({"_id": {"$in": [*ids]}}, session=tx.session)
    return {row["_id"]: row for row in await found.to_list()}


async def put(new: Sequence[Row], changed: Sequence[Row], tx: Transaction) -> None:
    """Insert facts, and replace those that are known: as an upsert a new one costs twice as much.

    Raises `Duplicate` where a new one is known all the same.
    """
    if new:
        await tx.insert_new(Fact.get_pymongo_collection(), new)
    if changed:
        writes = [ReplaceOne({"_id": row["_id"]}, row) for row in changed]
        await Fact.get_pymongo_collection().bulk_write(writes, ordered=False, session=tx.session)


async def batches(of: Which, tx: Transaction) -> AsyncIterator[list[Row]]:
    """Yield facts as far as they are added up, those of one quarter-hour together."""
    but = {"_id": {"$nin": [*of.but]}} if of.but else {}
    for spans in some_at_once(of.spans):
        found = Fact.get_pymongo_collection().find(
            {"merchantId": of.merchant_id} | any_of("at", spans) | but,
            _ADDED_UP,
            session=tx.session,
            hint="merchant_at",
            batch_size=_AT_ONCE,
            max_time_ms=_LONGEST_MS,
        )
        while rows := await found.to_list(_AT_ONCE):
            yield rows


async def who_retried(which: Which, currency: str, tx: Transaction) -> AsyncIterator[set[str]]:
    """Yield the payers of sessions in which somebody tried again, each once, some at a time."""
    if which.spans:
        found = await _group_who_retried(which, currency, (), [], tx)
        while rows := await found.to_list(_AT_ONCE):
            yield {row["_id"] for row in rows}


async def count_who_retried(
    which: Which, currency: str, others: Collection[str], tx: Transaction
) -> int:
    """Count the payers of sessions in which somebody tried again, but for some of these."""
    if not which.spans:
        return 0
    found = await _group_who_retried(which, currency, others, [{"$count": "n"}], tx)
    return sum([int(row["n"]) for row in await found.to_list()])


async def _group_who_retried(
    which: Which, currency: str, others: Collection[str], then: list[Row], tx: Transaction
) -> AsyncCommandCursor[Row]:
    """Group by payer: the index has all of it, unless some facts are known better."""
    wanted: Row = {"merchantId": which.merchant_id, **any_of("at", which.spans)}
    wanted |= {"tries": {"$gt": 0}, "currency": currency, "payer": {"$nin": [*others]}}
    if which.but:
        wanted["_id"] = {"$nin": [*which.but]}
    return await Fact.get_pymongo_collection().aggregate(
        [{"$match": wanted}, {"$group": {"_id": "$payer"}}, *then],
        session=tx.session,
        hint="tried_again_merchant_at_currency_payer",
        batchSize=_AT_ONCE,
        maxTimeMS=_LONGEST_MS,
    )


async def mark(
    buckets: Mapping[tuple[str, datetime], int], tx: Transaction, *, series: int = 0
) -> None:
    """Mark quarter-hours of merchants as changed, each so many times.

    One that was not changed at all is only added up anew. `series`: how often what is counted there
    beside the ledger was.
    """
    writes = [
        UpdateOne(
            {"merchantId": merchant_id, "bucket": at},
            {"$inc": {"n": n, "series": series}},
            upsert=True,
        )
        for (merchant_id, at), n in sorted(buckets.items())
    ]
    if writes:
        await DirtyBucket.get_pymongo_collection().bulk_write(
            writes, ordered=False, session=tx.session
        )


async def marks_within(
    merchant_id: str, spans: Span, tx: Transaction, by: str = "n"
) -> list[datetime]:
    """Return the quarter-hours of a time that are marked as changed, or whose `series` are."""
    wanted = {"merchantId": merchant_id, "bucket": {"$gte": spans[0], "$lt": spans[1]}}
    wanted |= {by: {"$gt": 0}}
    found = DirtyBucket.get_pymongo_collection().find(wanted, session=tx.session)
    return [row["bucket"] for row in await found.to_list()]


async def marked(limit: int, after: Row | None, tx: Transaction) -> list[Row]:
    """Return marks of one merchant after another mark, the oldest quarter-hours first."""
    wanted: Row = {}
    if after is not None:
        same = {"merchantId": after["merchantId"], "bucket": {"$gt": after["bucket"]}}
        wanted = {"$or": [same, {"merchantId": {"$gt": after["merchantId"]}}]}
    found = DirtyBucket.get_pymongo_collection().find(wanted, session=tx.session)
    rows = await found.sort([("merchantId", 1), ("bucket", 1)]).limit(limit).to_list()
    return [row for row in rows if row["merchantId"] == rows[0]["merchantId"]]


async def unraised(marks: Sequence[Row], tx: Transaction) -> list[Row]:
    """Return those of some marks that nobody has raised or removed since they were read."""
    ids = [row["_id"] for row in marks]
    found = DirtyBucket.get_pymongo_collection().find({"_id": {"$in": ids}}, session=tx.session)
    now = {row["_id"]: row for row in await found.to_list()}
    return [row for row in marks if now.get(row["_id"]) == row]


async def unmark(marks: Iterable[Row], tx: Transaction) -> None:
    """Remove marks."""
    ids = [row["_id"] for row in marks]
    await DirtyBucket.get_pymongo_collection().delete_many(
        {"_id": {"$in": ids}}, session=tx.session
    )


async def count_marks() -> int:
    """Count the quarter-hours that are marked as changed."""
    return await DirtyBucket.get_pymongo_collection().count_documents({})


async def marks_by_merchant() -> dict[str, tuple[int, datetime]]:
    """Count the marks of each merchant, and return the oldest of them."""
    found = await DirtyBucket.get_pymongo_collection().aggregate(
        [{"$group": {"_id": "$merchantId", "n": {"$sum": 1}, "oldest": {"$min": "$bucket"}}}]
    )
    return {row["_id"]: (row["n"], row["oldest"]) for row in await found.to_list()}


async def buckets_within(merchant_id: str, span: Span) -> list[datetime]:
    """Return the quarter-hours of a time that have facts or a roll-up."""
    made = {"merchantId": merchant_id, "at": {"$gte": span[0], "$lt": span[1]}}
    found = await Fact.get_pymongo_collection().aggregate(
        [{"$match": made}, {"$group": {"_id": _QUARTER}}], hint="merchant_at"
    )
    kept = await Rollup.get_pymongo_collection().distinct(
        "bucket", {"merchantId": merchant_id, "bucket": {"$gte": span[0], "$lt": span[1]}}
    )
    return sorted({*kept, *(row["_id"] for row in await found.to_list())})


async def bounds_of(merchant_id: str) -> list[datetime]:
    """Return when the first and the last is of a merchant's facts and roll-ups, if it has any."""
    found: list[datetime] = []
    for rows, at in ((Fact, "at"), (Rollup, "bucket")):
        for order in (1, -1):
            one = await rows.get_pymongo_collection().find_one(
                {"merchantId": merchant_id}, {at: 1}, sort=[(at, order)]
            )
            found += [one[at]] if one else []
    return found


async def count() -> int:
    """Count the facts of all merchants."""
    return await Fact.get_pymongo_collection().estimated_document_count()


async def read_again() -> None:
    """Have all rows of all merchants be read again; answers meanwhile are as they were.

    And have all days of customers be made anew.
    """
    anew: Row = {"safe": {}, "customersUntil": None}
    await FiguresState.get_pymongo_collection().update_many({}, {"$set": anew})


async def state_of(merchant_id: str, tx: Transaction) -> FiguresState | None:
    """Return how far a merchant's rows were read; None where none was yet."""
    row = await FiguresState.get_pymongo_collection().find_one(
        {"_id": merchant_id}, session=tx.session
    )
    return None if row is None else FiguresState.model_validate(row)


async def states() -> list[FiguresState]:
    """Return how far the rows of each merchant were read."""
    rows = await FiguresState.get_pymongo_collection().find({}).sort("_id", 1).to_list()
    return [FiguresState.model_validate(row) for row in rows]


async def keep_state(state: FiguresState, tx: Transaction) -> None:
    """Keep how far a merchant's rows were read."""
    await FiguresState.get_pymongo_collection().replace_one(
        {"_id": state.id}, state.to_row() | {"_id": state.id}, upsert=True, session=tx.session
    )
