"""Figures while rows change, the job is killed, and commits come late."""

import asyncio
import math
import random
from collections import Counter
from datetime import timedelta
from typing import Any

from service.analytics.documents import FiguresState, Rollup
from service.analytics.operations.figures import total_of
from service.analytics.operations.reading import Asked, read
from service.analytics.operations.rolling import roll_up
from service.analytics.operations.sweeping import sweep
from service.analytics.states import Part
from service.core.batches import Until
from service.core.clock import ManualClock
from service.core.errors import Unavailable
from service.storage.database import NOW_WRITTEN, Database, Row
from service.storage.documents import bound_client
from tests.analytics import oracle
from tests.analytics.rows import CURRENCIES, change, follow, left, one_sale
from tests.conftest import NOON
from tests.storage.failing import failing

FOREVER = Until(math.inf)
FIRST, LAST = NOON - timedelta(days=400), NOON + timedelta(days=400)
_INTERRUPTED = 11601


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

    async def sell(self) -> None:
        """Insert a sale by a process whose clock may be minutes off."""
        at = NOON - timedelta(minutes=self.draw.randrange(3 * 1440))
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
        """Commit it."""
        while self.late:
            session = self.late.pop()
            await session.commit_transaction()
            await session.end_session()

    async def sweep(self) -> None:
        """Read what has changed."""
        await sweep("default", self.clock, None, FOREVER)

    async def roll(self) -> None:
        """Add up what is marked."""
        await roll_up(None, FOREVER)

    async def both(self) -> None:
        """Do both at once: what is read meanwhile raises marks that are being worked off."""
        await asyncio.gather(self.roll(), self.sweep())

    async def die(self) -> None:
        """Do both, and stop in the middle: after some command nothing is answered any more."""
        mode = {"skip": self.draw.randrange(12)}
        commands = ["find", "aggregate", "bulkWrite", "update", "delete", "insert"]
        commands += ["commitTransaction"]
        try:
            async with failing(bound_client(), commands, errorCode=_INTERRUPTED, mode=mode):
                await self.sweep()
                await self.roll()
        except Unavailable:
            self.killed += 1

    async def totals(self) -> dict[str, Counter[str]]:
        """Return what is shown of all time, by currency."""
        asked = Asked("default", [(FIRST, LAST)], None, [*Part])
        [buckets] = (await read(asked)).buckets
        currencies = {one.currency for one in buckets}
        return {
            currency: total_of(one for one in buckets if one.currency == currency)
            for currency in currencies
        }

    async def check(self) -> None:
        """Hold what is shown to be one pass over all rows."""
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


async def rollups(database: Database) -> list[Row]:
    """Return all roll-ups, without their keys."""
    found = database[Rollup.collection_name()].find({}, {"_id": 0})
    return await found.sort([("bucket", 1), ("currency", 1)]).to_list()


async def forget_reading(database: Database) -> None:
    """Have everything read again, into nothing."""
    for name in (FiguresState.collection_name(), Rollup.collection_name(), "figures_facts"):
        await database[name].delete_many({})


async def pretend_read(database: Database, seconds: int) -> None:
    """Let the last reading have been some seconds later than it was."""
    states = database[FiguresState.collection_name()]
    row = await states.find_one({})
    assert row is not None
    seen = {name: type(at)(at.time + seconds, at.inc) for name, at in row["seen"].items()}
    await states.update_one({"_id": row["_id"]}, {"$set": {"seen": seen}})
