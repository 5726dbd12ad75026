"""Named queries on when customers first wished for something, and when they first paid."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from service.analytics.documents import CohortSums, Fact
from service.analytics.states import Kind
from service.payments.payments.states import CAME
from service.storage.database import Row
from service.storage.transaction import Transaction

_LONGEST_MS: Final = 120_000
_WEEK_MS: Final = 7 * 24 * 3600 * 1000
_WISHES: Final = [Kind.SESSION.value, Kind.LEAD.value]
_CUSTOMERS: Final = [*_WISHES, Kind.PAYMENT.value]


class Cell(Struct, frozen=True, array_like=True):
    """How many customers first came in a quarter-hour and paid so many weeks later; None: never."""

    at: datetime
    week: int | None
    n: int


async def add_up(merchant_id: str, currency: str, since: datetime) -> list[Cell]:
    """Add up the customers that first came at a time or later. Reads all facts that name one."""
    wanted: Row = {"merchantId": merchant_id, "currency": currency}
    wanted |= {"kind": {"$in": _CUSTOMERS}, "payer": {"$type": "string"}}
    wished = {"$in": ["$kind", _WISHES]}
    paid = {"$and": [{"$eq": ["$kind", Kind.PAYMENT.value]}, {"$in": ["$state", sorted(CAME)]}]}
    # Who paid before any wish is known has done so at once.
    took = {"$max": [0, {"$subtract": ["$paid", "$first"]}]}
    weeks = {"$toInt": {"$floor": {"$divide": [took, _WEEK_MS]}}}
    quarter = {"$dateTrunc": {"date": "$first", "unit": "minute", "binSize": 15}}
    stages: list[Row] = [
        {"$match": wanted},
        {
            "$group": {
                "_id": "$payer",
                "first": {"$min": {"$cond": [wished, "$at", None]}},
                "paid": {"$min": {"$cond": [paid, "$at", None]}},
            }
        },
        {"$match": {"first": {"$gte": since}}},
        {"$set": {"week": {"$cond": [{"$eq": [{"$type": "$paid"}, "date"]}, weeks, None]}}},
        {"$group": {"_id": {"at": quarter, "week": "$week"}, "n": {"$sum": 1}}},
        {"$sort": {"_id.at": 1, "_id.week": 1}},
    ]
    found = await Fact.get_pymongo_collection().aggregate(
        stages, hint="merchant_at", allowDiskUse=True, maxTimeMS=_LONGEST_MS
    )
    return [Cell(row["_id"]["at"], row["_id"]["week"], row["n"]) for row in await found.to_list()]


async def version_of(merchant_id: str, currency: str) -> int | None:
    """Return of how many written facts a merchant's cohorts were added up."""
    row = await CohortSums.get_pymongo_collection().find_one(
        {"_id": f"{merchant_id}:{currency}"}, {"version": 1}
    )
    return None if row is None else row["version"]


async def put(of: Row, cells: Sequence[Cell], tx: Transaction) -> None:
    """Keep what was added up, in the place of what was."""
    row: Row = CohortSums.new_row(of | {"cells": msgspec.msgpack.encode(cells)})
    await CohortSums.get_pymongo_collection().replace_one(
        {"_id": row["_id"]}, row, upsert=True, session=tx.session
    )


async def read(merchant_id: str, currency: str) -> tuple[datetime, Sequence[Cell]] | None:
    """Return when a merchant's customers were added up, and what they came to."""
    row = await CohortSums.get_pymongo_collection().find_one({"_id": f"{merchant_id}:{currency}"})
    if row is None:
        return None
    return row["madeAt"], msgspec.msgpack.decode(row["cells"], type=list[Cell])
