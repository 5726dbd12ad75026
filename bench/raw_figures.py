"""The same answers by aggregation over the rows themselves."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pymongo.database
from pymongo.collection import Collection

from service.payments.payments.states import CAME

Row = dict[str, Any]
Span = tuple[datetime, datetime]
Database = pymongo.database.Database[Row]


def money(database: Database, whose: Row, span: Span) -> Mapping[str, int]:
    """Return what was paid, and what went back in the same time."""
    within = {"$gte": span[0], "$lt": span[1]}
    came = {"$in": ["$status", sorted(CAME)]}
    paid = {
        "_id": None,
        "transactions": {"$sum": 1},
        "successful": {"$sum": {"$cond": [came, 1, 0]}},
        "failed": {"$sum": {"$cond": [{"$eq": ["$status", "failed"]}, 1, 0]}},
        "revenue": {"$sum": {"$cond": [came, "$amount", 0]}},
    }
    found = _one(database.payments, whose | {"firstAt": within}, paid)
    made = whose | {"status": "succeeded", "void": {"$ne": True}, "history.at": within}
    back = _one(database.refunds, made, {"_id": None, "refunded": {"$sum": "$amount"}})
    gone = whose | {"status": "lost", "closedAt": within}
    lost = _one(database.disputes, gone, {"_id": None, "lost": {"$sum": "$held"}})
    return {"refunded": 0, "lost": 0} | found | back | lost


def payers(database: Database, whose: Row, span: Span) -> int:
    """Return how many users paid."""
    wanted = whose | {"status": {"$in": sorted(CAME)}}
    wanted |= {"firstAt": {"$gte": span[0], "$lt": span[1]}}
    stages: list[Row] = [{"$match": wanted}, {"$group": {"_id": "$userId"}}, {"$count": "n"}]
    rows = [*database.payments.aggregate(stages, allowDiskUse=True)]
    return int(rows[0]["n"]) if rows else 0


def latency(database: Database, whose: Row, span: Span) -> Mapping[str, int]:
    """Return percentiles of how long completed sessions took: the nearest ranks."""
    wanted = whose | {"status": "completed", "createdAt": {"$gte": span[0], "$lt": span[1]}}
    stages: list[Row] = [
        {"$match": wanted},
        {"$project": {"_id": 0, "took": {"$subtract": ["$completedAt", "$createdAt"]}}},
        {"$sort": {"took": 1}},
    ]
    cursor = database.sessions.aggregate(stages, allowDiskUse=True, batchSize=100_000)
    took = [int(row["took"]) for row in cursor]
    ranks = {"median": 50, "p95": 95, "p99": 99}
    return {name: took[-(-len(took) * share // 100) - 1] for name, share in ranks.items()}


def _one(collection: Collection[Row], wanted: Row, grouped: Row) -> Row:
    rows = [*collection.aggregate([{"$match": wanted}, {"$group": grouped}])]
    return {name: value for row in rows for name, value in row.items() if name != "_id"}
