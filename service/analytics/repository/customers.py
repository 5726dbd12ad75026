"""Named queries on who pays."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from service.analytics.repository.facts import Span
from service.payments.payments.documents import Payment
from service.payments.payments.states import CAME
from service.storage.database import Row, whole_numbers

MOST_PAYMENTS: Final = 500_000
MOST_TOP: Final = 10
_LONGEST_MS: Final = 15_000
_INDEX = "merchant_status_createdAt_id"


class Customer(Struct, frozen=True, rename="camel"):
    """What one user paid; in minor units."""

    user_id: str
    amount: int
    n: int


class Customers(Struct, frozen=True):
    """Who paid in a time, how many of them more than once, and who most."""

    total: int
    returning: int
    top: Sequence[Customer]


async def customers_of(merchant_id: str, currency: str, span: Span) -> Customers | None:
    """Add up who paid in a time, by when each payment was first heard of; None of too many."""
    wanted: Row = {
        "merchantId": merchant_id,
        "status": {"$in": sorted(CAME)},
        "createdAt": {"$gte": span[0], "$lt": span[1]},
    }
    payments = Payment.get_pymongo_collection()
    limit = MOST_PAYMENTS + 1
    if await payments.count_documents(wanted, limit=limit, hint=_INDEX) > MOST_PAYMENTS:
        return None
    counted = {"_id": None, "total": {"$sum": 1}, "returning": {"$sum": {"$toInt": "$again"}}}
    stages: list[Row] = [
        {"$match": wanted | {"currency": currency, "userId": {"$type": "string"}}},
        {"$group": {"_id": "$userId", "amount": {"$sum": "$amount"}, "n": {"$sum": 1}}},
        {"$set": {"again": {"$gt": ["$n", 1]}}},
        {
            "$facet": {
                "counted": [{"$group": counted}],
                "top": [{"$sort": {"amount": -1, "_id": 1}}, {"$limit": MOST_TOP}],
            }
        },
    ]
    found = await payments.aggregate(stages, hint=_INDEX, maxTimeMS=_LONGEST_MS)
    [row] = await found.to_list()
    counts = row["counted"][0] if row["counted"] else {"total": 0, "returning": 0}
    top = [
        msgspec.convert(whole_numbers(one) | {"userId": one["_id"]}, Customer) for one in row["top"]
    ]
    return Customers(counts["total"], counts["returning"], top)
