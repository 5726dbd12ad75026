"""The same answers by aggregation over the rows themselves.

But for the item that brought in most: a payment names it by its session, which would be a search
for each.
"""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

import pymongo.database
from pymongo.collection import Collection

from service.analytics.operations.glancing import MOST_RECENT
from service.payments.payments.states import CAME

Row = dict[str, Any]
_NAMES = ("transactions", "successful", "failed", "revenue", "refunded", "lost")
Span = tuple[datetime, datetime]
Database = pymongo.database.Database[Row]


def overview(database: Database, whose: Row, span: Span) -> Row:
    """Return what a period comes to, and the one before it that is as long."""
    before = (span[0] - (span[1] - span[0]), span[0])
    return {
        "now": money(database, whose, span),
        "before": money(database, whose, before),
        "payers": payers(database, whose, span),
        "recent": recent(database, whose, span),
    }


def recent(database: Database, whose: Row, span: Span) -> list[str]:
    """Return the sessions of the latest payments."""
    wanted = whose | {"createdAt": {"$gte": span[0], "$lt": span[1]}}
    found = database.payments.find(wanted, {"sessionId": 1})
    rows = found.sort([("createdAt", -1), ("_id", -1)]).limit(MOST_RECENT)
    return [row["sessionId"] for row in rows]


def money(database: Database, whose: Row, span: Span) -> Mapping[str, int]:
    """Return what was paid, and what went back in the same time."""
    [paid] = by(database, whose, span, None) or [{}]
    within = {"$gte": span[0], "$lt": span[1]}
    made = whose | {"status": "succeeded", "void": {"$ne": True}, "history.at": within}
    back = _one(database.refunds, made, {"_id": None, "refunded": {"$sum": "$amount"}})
    gone = whose | {"status": "lost", "closedAt": within}
    lost = _one(database.disputes, gone, {"_id": None, "lost": {"$sum": "$held"}})
    found = paid | back | lost
    return {name: found.get(name, 0) for name in _NAMES}


def by(database: Database, whose: Row, span: Span, key: Row | str | None) -> list[Row]:
    """Return what was paid, by what a key says of each payment."""
    came = {"$in": ["$status", sorted(CAME)]}
    counted = {
        "_id": key,
        "transactions": {"$sum": 1},
        "successful": {"$sum": {"$cond": [came, 1, 0]}},
        "failed": {"$sum": {"$cond": [{"$eq": ["$status", "failed"]}, 1, 0]}},
        "revenue": {"$sum": {"$cond": [came, "$amount", 0]}},
    }
    wanted = whose | {"firstAt": {"$gte": span[0], "$lt": span[1]}}
    return [*database.payments.aggregate([{"$match": wanted}, {"$group": counted}])]


def payers(database: Database, whose: Row, span: Span) -> int:
    """Return how many users paid."""
    wanted = whose | {"status": {"$in": sorted(CAME)}}
    wanted |= {"firstAt": {"$gte": span[0], "$lt": span[1]}}
    stages: list[Row] = [{"$match": wanted}, {"$group": {"_id": "$userId"}}, {"$count": "n"}]
    rows = [*database.payments.aggregate(stages, allowDiskUse=True)]
    return int(rows[0]["n"]) if rows else 0


def customers(database: Database, whose: Row, span: Span) -> Row:
    """Return of how many payments who paid, how many more than once, and the ten who paid most."""
    wanted = whose | {"status": {"$in": sorted(CAME)}, "userId": {"$type": "string"}}
    wanted |= {"createdAt": {"$gte": span[0], "$lt": span[1]}}
    stages: list[Row] = [
        {"$match": wanted},
        {"$group": {"_id": "$userId", "amount": {"$sum": "$amount"}, "n": {"$sum": 1}}},
        {"$sort": {"amount": -1, "_id": 1}},
    ]
    rows = [*database.payments.aggregate(stages, allowDiskUse=True)]
    return {
        "payments": sum(row["n"] for row in rows),
        "total": len(rows),
        "returning": len([row for row in rows if row["n"] > 1]),
        "top": [(row["_id"], row["amount"], row["n"]) for row in rows[:10]],
    }


def latency(database: Database, whose: Row, span: Span) -> dict[str, int]:
    """Return how long completed sessions took: percentiles are the nearest ranks."""
    wanted = whose | {"status": "completed", "createdAt": {"$gte": span[0], "$lt": span[1]}}
    stages: list[Row] = [
        {"$match": wanted},
        {"$project": {"_id": 0, "took": {"$subtract": ["$completedAt", "$createdAt"]}}},
        {"$sort": {"took": 1}},
    ]
    cursor = database.sessions.aggregate(stages, allowDiskUse=True, batchSize=100_000)
    took = [int(row["took"]) for row in cursor]
    ranks = {"median": 50, "p95": 95, "p99": 99}
    found = {name: took[-(-len(took) * share // 100) - 1] for name, share in ranks.items()}
    return found | {"count": len(took), "average": round(Fraction(sum(took), len(took)))}


def _one(collection: Collection[Row], wanted: Row, grouped: Row) -> Row:
    rows = [*collection.aggregate([{"$match": wanted}, {"$group": grouped}])]
    return {name: value for row in rows for name, value in row.items() if name != "_id"}
