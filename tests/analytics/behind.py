"""Figures while rows change, the job is killed, and commits come late."""

import asyncio
import math
import random
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pymongo.errors import OperationFailure

from service.analytics.documents import DayRollup, FiguresState, MonthRollup, Rollup
from service.analytics.operations.customer_days import make_customer_days
from service.analytics.operations.customers import customers_of
from service.analytics.operations.figures import (
    grouped,
    latency_of,
    part_of,
    payers_of,
    total_by,
    total_of,
)
from service.analytics.operations.folding import PACK_PARTS, Bucket
from service.analytics.operations.months import make_months
from service.analytics.operations.reading import Asked, read
from service.analytics.operations.remaking import make_days
from service.analytics.operations.retrying import count_who_retried
from service.analytics.operations.rolling import roll_up
from service.analytics.operations.services import Shown
from service.analytics.operations.spans import begin_of
from service.analytics.operations.sweeping import sweep
from service.analytics.repository.facts import Span
from service.analytics.states import Grain, Part
from service.core.batches import Until
from service.core.clock import ManualClock
from service.core.errors import Unavailable
from service.merchants.documents import FIRST_ZONE, Merchant
from service.storage.database import NOW_WRITTEN, Database, Row
from service.storage.documents import bound_client
from tests.analytics import oracle
from tests.analytics.rows import CURRENCIES, change, follow, left, one_sale
from tests.conftest import NOON
from tests.storage.failing import failing

FOREVER = Until(math.inf)
FIRST, LAST = NOON - timedelta(days=400), NOON + timedelta(days=400)
_INTERRUPTED, _GIVEN_UP = 11601, 251
_FAR_AWAY = "Etc/GMT+12"
ZONES = ("UTC", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York")
"""Of +5:30 and +5:45, with days of 23.5 to 25 hours; further ones are in `test_days.py`."""


class Behind:
    """A database whose figures are made while it changes."""

    def __init__(self, database: Database, clock: ManualClock, draw: random.Random) -> None:
        """Begin with nothing."""
        self.database, self.clock, self.draw = database, clock, draw
        self.sales: list[dict[str, Row]] = []
        self.leads: list[Row] = []
        self.followed: set[str] = set()
        self.late: list[Any] = []
        self.killed = 0
        self.zone = FIRST_ZONE
        self.days = 3

    async def sell(self) -> None:
        """Insert a sale by a process whose clock may be minutes off."""
        at = NOON - timedelta(minutes=self.draw.randrange(self.days * 1440))
        self.sales.append(await one_sale(self.draw, f"s-{len(self.sales)}", at))

    async def leave(self) -> None:
        """Insert a lead, which some sessions followed; another may do so later."""
        at = NOON - timedelta(minutes=self.draw.randrange(4 * 1440))
        currency = self.draw.choice(CURRENCIES)
        lead = await left(f"intent-{len(self.leads)}", at, currency=currency)
        self.leads.append(lead)
        await self.follow()

    async def follow(self) -> None:
        """Let a session follow the latest lead, unless it follows another."""
        if self.sales and self.leads:
            sale = self.draw.choice(self.sales)
            if sale["sessions"]["sessionId"] not in self.followed:
                self.followed.add(sale["sessions"]["sessionId"])
                await follow(sale["sessions"], self.leads[-1])

    async def move(self) -> None:
        """Change a row: what it is, how much, or when its provider first reported it."""
        if not self.sales:
            return
        sale = self.draw.choice(self.sales)
        collection, row = self.draw.choice(sorted(sale.items()))
        changed = self._changed(collection)
        if sale.keys() - {"sessions"}:
            changed.pop("plan", None)  # of what somebody has tried to pay it stays
        await change(collection, row, **changed)
        if collection == "refunds":
            back = row["amount"] if changed["status"] == "succeeded" else 0
            await change("payments", sale["payments"], refunded=back)
        if collection == "disputes":
            await change("payments", sale["payments"], held=changed["held"])

    def _changed(self, collection: str) -> dict[str, Any]:
        at = NOON - timedelta(minutes=self.draw.randrange(6 * 1440))
        if collection == "payments":
            some = [{"status": "succeeded"}, {"firstAt": at}, {"amount": 77}, {"status": "failed"}]
            return self.draw.choice(some)
        if collection == "refunds":
            moves = [{"at": at, "from": None, "to": "succeeded", "by": "test"}]
            return self.draw.choice(
                [{"status": "failed"}, {"status": "succeeded", "history": moves}]
            )
        if collection == "disputes":
            return {"status": "lost", "held": 11, "closedAt": at}
        if collection == "payment_intents":
            return {"amountMinor": 5}
        if collection == "sessions":
            return {"status": "completed", "completedAt": at, "plan": "gold"}
        return {"failureCode": "other"}

    async def begin_late(self) -> None:
        """Change a payment in a transaction that is committed later."""
        found = [one["payments"] for one in self.sales if "payments" in one]
        paid = [row for row in found if row["status"] == "succeeded"]
        if not paid or self.late:
            return
        session = bound_client().start_session()
        await session.start_transaction()
        await self.database["payments"].update_one(
            {"_id": self.draw.choice(paid)["_id"]},
            {"$set": {"amount": self.draw.randrange(1000)}, **NOW_WRITTEN},
            session=session,
        )
        self.late.append(session)

    async def end_late(self) -> None:
        """Commit it, unless the database gave it up: somebody waited for its row too long."""
        while self.late:
            session = self.late.pop()
            try:
                await session.commit_transaction()
            except OperationFailure as error:
                if error.code != _GIVEN_UP:
                    raise
            await session.end_session()

    async def sweep(self) -> None:
        """Read what has changed."""
        await sweep("default", self.clock, None, FOREVER)

    async def roll(self) -> None:
        """Add up what is marked."""
        await roll_up(None, FOREVER)

    async def both(self) -> None:
        """Do both at once: what is read meanwhile raises marks that are being worked off."""
        await asyncio.gather(self.roll(), self.sweep(), self.sweep())

    async def die(self) -> None:
        """Do both, and stop in the middle: after some command nothing is answered any more."""
        mode = {"skip": self.draw.randrange(12)}
        commands = ["find", "aggregate", "bulkWrite", "update", "delete", "insert"]
        commands += ["commitTransaction"]
        try:
            async with failing(bound_client(), commands, errorCode=_INTERRUPTED, mode=mode):
                await self.sweep()
                await self.roll()
                await self.make_days()
        except Unavailable:
            self.killed += 1

    async def totals(self) -> dict[str, Counter[str]]:
        """Return what is shown of all time, by currency."""
        asked = Asked("default", [(FIRST, LAST)], None, [*Part])
        [buckets] = (await read(asked)).buckets
        return {currency: total_of(of) for currency, of in by_currency(buckets).items()}

    async def move_house(self, zone: str | None = None) -> None:
        """Let the merchant's days begin in another zone."""
        self.zone = zone or self.draw.choice(ZONES)
        row = Merchant.unnamed("default", NOON).to_row() | {"zone": self.zone}
        await self.database["merchants"].replace_one({"_id": "default"}, row, upsert=True)

    async def make_days(self) -> None:
        """Make the days anew if they begin in another zone, and all else as if it were over."""
        await make_days("default", None, FOREVER)
        await make_months("default", ManualClock(LAST), None, FOREVER)
        await make_customer_days("default", ManualClock(LAST), None, FOREVER)

    async def check_days(self) -> None:
        """Hold hours, days and months of the merchant's zone to be sums of its quarter-hours."""
        at = NOON - timedelta(minutes=self.draw.randrange(2 * 1440))
        span = self.draw.choice([(FIRST, LAST), (at - timedelta(days=9), at)])
        await self.hold(span, *self.draw.choice(_STARTS))

    async def hold(
        self, span: Span, grain: Grain, since: Callable[[datetime, ZoneInfo], Hashable]
    ) -> None:
        """Hold a time's hours, days or months, or hours of the day, to be sums of its quarters."""
        zone = self.zone
        quarters = await self._read(span, zone, Grain.QUARTER)
        found = await self._read(span, zone, grain)

        def key(at: datetime) -> Hashable:
            return since(at, ZoneInfo(zone))

        assert sums_by(found, key) == sums_by(quarters, key)
        assert others(found) == others(quarters)
        if grain == Grain.MONTH:
            await self.hold_who_retried(span)

    async def hold_customers(self, span: Span, merchant: str = "default") -> None:
        """Hold who paid in a time to be what payments of that time come to."""
        for currency in sorted({*CURRENCIES}):
            rows = await oracle.all_rows(self.database, merchant, currency)
            found = await customers_of(merchant, currency, span)
            top = [(one.user_id, one.amount, one.n) for one in found.top]
            assert (found.total, found.returning, top) == oracle.customers(rows, span), currency

    async def hold_who_retried(self, span: Span) -> None:
        """Hold who tried again by months to be who did by facts: of no other zone are there any."""
        for currency in set(CURRENCIES):
            by_month, by_fact = [
                await self.who_retried(span, currency, zone) for zone in (self.zone, _FAR_AWAY)
            ]
            assert abs(by_month - by_fact) <= by_fact * 0.03, (currency, span)

    async def who_retried(self, span: Span, currency: str, zone: str | None = None) -> int:
        """Return how many users tried again in the sessions of a time."""
        merchant = Merchant.unnamed("default", NOON)
        shown = Shown(merchant, zone or self.zone, currency, False, NOON)
        return await count_who_retried(shown, span)

    async def _read(self, span: Span, zone: str, grain: Grain) -> Sequence[Bucket]:
        return (await read(Asked("default", [span], None, [*Part], grain, zone))).buckets[0]

    async def check(self) -> None:
        """Hold what is shown to be one pass over all rows."""
        await self.check_days()
        at = NOON - timedelta(minutes=self.draw.randrange(self.days * 1440))
        await self.hold_customers(self.draw.choice([(FIRST, LAST), (at - timedelta(days=9), at)]))
        shown = await self.totals()
        for currency in ("USD", "INR", "JPY"):
            rows = await oracle.all_rows(self.database, "default", currency)
            expected = oracle.money(rows, lambda at: True)
            found = shown.get(currency, Counter())
            assert {
                "revenue": found["gross"],
                "refunded": found["refunded"],
                "lost": found["lost"],
                "transactionCount": found["payment"],
                "successfulCount": found["paid"],
                "failedCount": found["failed"],
            } == {
                name: expected[name]
                for name in (
                    *("revenue", "refunded", "lost", "transactionCount"),
                    *("successfulCount", "failedCount"),
                )
            }
            leads, sessions = oracle.reached(rows, await oracle.whole(self.database))
            for name, counts in (("lead", leads), ("reached", sessions)):
                steps = {step: found[f"{name}:{step}"] for step in oracle.STEPS}
                assert +Counter(steps) == counts, (name, currency)
            statuses = oracle.statuses(rows["sessions"])
            assert {name: found[f"session:{name}"] for name in statuses} == statuses


async def with_sales(
    database: Database, clock: ManualClock, seed: int, *, days: int, sales: int
) -> Behind:
    """Return a merchant of Kathmandu with sales of some days, of which nothing is added up."""
    behind = Behind(database, clock, random.Random(seed))  # noqa: S311 - no secret
    behind.days = days
    await behind.move_house("Asia/Kathmandu")
    for _ in range(sales):
        await behind.sell()
    return behind


def by_currency(buckets: Sequence[Bucket]) -> dict[str, list[Bucket]]:
    """Return buckets by their currencies."""
    return grouped(buckets, lambda one: one.currency)


def sums_by(buckets: Sequence[Bucket], key: Callable[[datetime], Hashable]) -> Row:
    """Return the totals of each hour or day and currency."""
    return total_by(buckets, lambda one: (key(one.at), one.currency))


def others(buckets: Sequence[Bucket]) -> Row:
    """Return what else buckets come to, by currency: each part, latencies and payers."""
    return {
        currency: ([part_of(of, part) for part in Part], latency_of(of), payers_of(of))
        for currency, of in by_currency(buckets).items()
    }


def hour_starts(at: datetime, zone: ZoneInfo) -> datetime:
    """Return when the hour of a zone's clock begins."""
    return begin_of(at, "hour", zone, 0)


def hour_of_day(at: datetime, zone: ZoneInfo) -> int:
    """Return the hour that the clock of a zone says."""
    return at.astimezone(zone).hour


def month_starts(at: datetime, zone: ZoneInfo) -> datetime:
    """Return when the month of a zone begins."""
    return begin_of(at, "month", zone, 0)


def day_starts(at: datetime, zone: ZoneInfo) -> datetime:
    """Return when the day of a zone begins."""
    return begin_of(at, "day", zone, 0)


async def rollups(database: Database) -> list[Row]:
    """Return all roll-ups, days and months, without their keys."""
    made: list[Row] = []
    for document in (Rollup, DayRollup, MonthRollup):
        found = database[document.collection_name()].find({}, {"_id": 0})
        made += await found.sort([("bucket", 1), ("currency", 1)]).to_list()
    return made


async def falsify_months(database: Database) -> None:
    """Change what all months say, also by the hour."""
    one: Row = {"session": 1}
    wrong = {"totals": one, "hours": PACK_PARTS.encode({"0": one})}
    await database[MonthRollup.collection_name()].update_many({}, {"$set": wrong})


async def forget_reading(database: Database) -> None:
    """Have everything read again, into nothing."""
    for name in ("figures_state", "rollups", "rollup_days", "rollup_months", "figures_facts"):
        await database[name].delete_many({})


async def pretend_read(database: Database, seconds: int) -> None:
    """Let the last reading have been some seconds later than it was."""
    states = database[FiguresState.collection_name()]
    row = await states.find_one({})
    assert row is not None
    seen = {name: type(at)(at.time + seconds, at.inc) for name, at in row["seen"].items()}
    await states.update_one({"_id": row["_id"]}, {"$set": {"seen": seen}})


_STARTS: list[tuple[Grain, Callable[[datetime, ZoneInfo], Hashable]]] = [
    (Grain.HOUR, hour_starts),
    (Grain.HOUR_OF_DAY, hour_of_day),
    (Grain.DAY, day_starts),
    (Grain.MONTH, month_starts),
]
