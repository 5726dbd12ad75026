"""Aggregations over leads: each by the index that serves its filters."""

from collections.abc import AsyncGenerator, Collection, Sequence
from datetime import datetime
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from service.intents.documents import PaymentIntent
from service.intents.repository.reading import IntentFilter
from service.storage.answering import answers_in_time
from service.storage.database import Row, whole_numbers

MOST_GROUPS: Final = 1000
"""How many groups are told one by one where a browser decides how many there are."""

_QUARTER_MS = 15 * 60 * 1000
_AT_ONCE = 1000
_WITHIN_S = 20.0
S = TypeVar("S", bound=Struct)


class QuarterSum(Struct, frozen=True):
    """The leads of a quarter of an hour in a currency."""

    at: datetime
    currency: str
    count: int
    amount: int


class PlanSum(Struct, frozen=True, rename="camel"):
    """The leads of a plan in a currency."""

    plan_name: str
    currency: str
    count: int
    amount: int


class AgentSum(Struct, frozen=True):
    """Leads from one kind of browser, system and device; None: not parsed, or not told."""

    browser: str | None
    os: str | None
    device: str | None
    count: int


class JourneySum(Struct, frozen=True):
    """How many journeys have so many leads; `leads` of 10 stands for that many and more."""

    leads: int
    count: int


class AmountBucket(Struct, frozen=True):
    """How many leads ask for an amount from `least` to `most`, in minor units."""

    least: int
    most: int
    count: int


async def count(wanted: IntentFilter, limit: int | None = None) -> int:
    """Count leads, all of them or up to a limit."""
    query, index = wanted.query()
    leads = PaymentIntent.get_pymongo_collection()
    most: Row = {} if limit is None else {"limit": limit}
    return await leads.count_documents(query, hint=index, **most)


async def sum_by_quarter(wanted: IntentFilter) -> list[QuarterSum]:
    """Return the sums of leads by quarter of an hour and currency.

    The offset of any zone is a multiple of a quarter, so hours and days of all are sums of them.
    """
    into = {"$mod": [{"$toLong": "$createdAt"}, _QUARTER_MS]}
    key = {"at": {"$subtract": ["$createdAt", into]}, "currency": "$currency"}
    return await _rows(wanted, [{"$group": {"_id": key, **_SUMS}}], QuarterSum)


async def sum_by_plan(wanted: IntentFilter, names: Collection[str] | None = None) -> list[PlanSum]:
    """Return the sums of the most wanted plans, by currency; of those with some names alone."""
    key = {"planName": "$planName", "currency": "$currency"}
    of: list[Row] = [] if names is None else [{"$match": {"planName": {"$in": [*names]}}}]
    return await _rows(wanted, [*of, {"$group": {"_id": key, **_SUMS}}, *_MOST], PlanSum)


async def sum_by_agent(wanted: IntentFilter) -> list[AgentSum]:
    """Return how many leads came from the most frequent kinds of browser, system and device."""
    names = {name: {"$ifNull": [f"$agent.{name}", None]} for name in ("browser", "os", "device")}
    return await _rows(wanted, [{"$group": {"_id": names, "count": {"$sum": 1}}}, *_MOST], AgentSum)


async def sum_by_journey(wanted: IntentFilter) -> list[JourneySum]:
    """Return how many journeys have how many leads."""
    of_each = {"$group": {"_id": "$sessionId", "count": {"$sum": 1}}}
    leads = {"leads": {"$min": ["$count", 10]}}
    return await _rows(
        wanted, [of_each, {"$group": {"_id": leads, "count": {"$sum": 1}}}], JourneySum
    )


async def sum_by_amount(wanted: IntentFilter, currency: str) -> list[AmountBucket]:
    """Return how the amounts of a currency are distributed: up to ten buckets of like size."""
    stages: list[Row] = [
        {"$match": {"currency": currency}},
        {
            "$bucketAuto": {
                "groupBy": "$amountMinor",
                "buckets": 10,
                "output": {
                    "least": {"$min": "$amountMinor"},
                    "most": {"$max": "$amountMinor"},
                    "count": {"$sum": 1},
                },
            }
        },
    ]
    return await _rows(wanted, stages, AmountBucket)


async def followed(wanted: IntentFilter) -> AsyncGenerator[list[tuple[str, list[str]]], None]:
    """Yield the plan and the sessions of each lead that was followed by some."""
    query, index = wanted.query()
    found = PaymentIntent.get_pymongo_collection().find(
        {**query, "followedBy.0": {"$exists": True}}, {"planName": 1, "followedBy": 1}, hint=index
    )
    async with found as cursor:
        while True:
            async with answers_in_time(_WITHIN_S):
                rows = await cursor.to_list(_AT_ONCE)
            if not rows:
                return
            yield [(row["planName"], row["followedBy"]) for row in rows]


_SUMS = {"count": {"$sum": 1}, "amount": {"$sum": "$amountMinor"}}
_MOST: list[Row] = [{"$sort": {"count": -1, "_id": 1}}, {"$limit": MOST_GROUPS}]


async def _rows(wanted: IntentFilter, stages: Sequence[Row], shape: type[S]) -> list[S]:
    query, index = wanted.query()
    found = await PaymentIntent.get_pymongo_collection().aggregate(
        [{"$match": query}, *stages], hint=index
    )
    return [
        msgspec.convert(whole_numbers(row) | row["_id"], shape) for row in await found.to_list()
    ]
