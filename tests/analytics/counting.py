"""What is counted beside the ledger, while it changes late, is purged, and the job is killed."""

import random
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from service.analytics.documents import TrackedEvent
from service.analytics.operations.beside import ALL_SERIES, read_series
from service.analytics.operations.figures import part_of, payers_of
from service.analytics.operations.marking import mark_series
from service.analytics.operations.payers import estimate_of
from service.analytics.operations.remaking import make_days
from service.analytics.operations.rolling import roll_up
from service.analytics.operations.tracking import track
from service.analytics.states import BESIDE, Part
from service.core.errors import TillgateError, Unavailable
from service.inbox import repository as events
from service.inbox.documents import WebhookEvent
from service.inbox.operations.replay import replay_event, retry_waiting
from service.inbox.states import InboxStatus
from service.notifications.endpoints.repository import deliveries, sent
from service.notifications.endpoints.repository.deliveries import Kept
from service.notifications.endpoints.states import DeliveryStatus
from service.outbox import repository as outbox
from service.outbox.operations.dispatch import dispatch_some
from service.outbox.operations.messages import message
from service.storage.database import Row
from service.storage.documents import bound_client
from service.storage.plain import NO_TRANSACTION
from tests.analytics.behind import FOREVER, ZONES
from tests.conftest import NOON
from tests.notifications.telling import OPERATOR, endpoint, fan_out, tell
from tests.storage.failing import failing
from tests.support.shop import Shop

FIRST = NOON - timedelta(days=2)
URL = "http://127.0.0.1:9/hook"
_LATER = timedelta(days=60)
_SOURCES = {"webhook_events": "receivedAt", "webhook_deliveries": "createdAt"}
_KINDS = ("charge.updated", "payment_intent.succeeded", "charge.refund.updated", "nothing.known")


class Counting:
    """A shop whose webhooks and tracked events are counted while they change."""

    def __init__(self, shop: Shop, draw: random.Random) -> None:
        """Begin with nothing."""
        self.shop, self.draw = shop, draw
        self.gone: dict[str, list[Row]] = {"webhook_events": [], "webhook_deliveries": []}
        self.killed = self.made = 0
        self.zone = "UTC"

    async def open(self) -> None:
        """Have an endpoint that hears everything."""
        await endpoint(self.shop, URL)

    async def pass_time(self) -> None:
        """Let some minutes pass, or hours."""
        self.shop.pass_time(minutes=self.draw.choice([1, 4, 11, 31, 200]))

    async def come(self) -> None:
        """Let events come in: done, ignored, or waiting for what isn't there."""
        for _ in range(self.draw.randrange(1, 4)):
            self.made += 1
            about = {"id": f"pi_{self.made}", "object": "payment_intent", "amount": 5}
            about |= {"currency": "usd", "status": "succeeded", "metadata": {}}
            await self.shop.receive(self.shop.stripe(self.draw.choice(_KINDS), about))

    async def retry(self) -> None:
        """Try again what waits."""
        await retry_waiting(self.shop.api.container.inbox, limit=3)

    async def replay(self) -> None:
        """Apply an event again."""
        if row := await self._one("webhook_events"):
            try:
                await replay_event(row["_id"], OPERATOR, self.shop.api.container.inbox)
            except TillgateError:
                return

    async def postpone(self) -> None:
        """Let an event be one that can't be read any more."""
        if row := await self._one("webhook_events"):
            event = WebhookEvent.model_validate(row)
            await events.postpone(event, "why", InboxStatus.DEAD, None, NOON + _LATER)

    async def stumble(self) -> None:
        """Let an event be one that could not be applied, and waits."""
        if row := await self._one("webhook_events"):
            event, now = WebhookEvent.model_validate(row), self.shop.clock.now()
            await events.postpone(event, "why", InboxStatus.FAILED, now, None)

    async def review(self) -> None:
        """Let a person decide about an event."""
        if row := await self._one("webhook_events"):
            review = {"$set": {"status": "review", "decision": None}}
            await self.shop.database["webhook_events"].update_one({"_id": row["_id"]}, review)
            event = WebhookEvent.model_validate(row)
            event.status = InboxStatus.PROCESSED
            await events.write_review(event, NOON + _LATER, NO_TRANSACTION)

    async def tell(self) -> None:
        """Write something that the endpoint hears, whose delivery may be made late."""
        self.made += 1
        await tell(self.shop, f"key-{self.made}")

    async def late(self) -> None:
        """Let a message wait for its delivery to be made."""
        self.made += 1
        row = message(
            "session.completed",
            f"key-{self.made}",
            merchant_id="default",
            session_id="s-1",
            payload={"status": "completed"},
            now=self.shop.clock.now(),
        )
        await outbox.add_once([row], NO_TRANSACTION)
        await self.shop.api.container.endpoints.endpoints.refresh(0)
        subscribers = self.shop.api.container.jobs.subscribers
        waiting = [replace(one, waits=lambda: True) for one in subscribers]
        await dispatch_some(waiting, self.shop.clock)
        self.shop.pass_time(hours=1)
        await self.count()
        await fan_out(self.shop)

    async def send(self, status: DeliveryStatus | None = None) -> None:
        """Try what is due: it arrives, fails for good, or waits."""
        clock = self.shop.clock
        taken = await deliveries.claim(3, (), timedelta(seconds=30), clock)
        one = {"at": clock.now(), "tookMs": 5, "status": 200}
        ends = status or self.draw.choice([*DeliveryStatus])
        wait = timedelta(minutes=1) if ends is DeliveryStatus.PENDING else None
        await deliveries.keep([Kept(row, one, ends, wait) for row in taken], clock)

    async def fail(self) -> None:
        """Let what is due fail for good."""
        await self.send(DeliveryStatus.FAILED)

    async def arrive(self) -> None:
        """Let what is due arrive."""
        await self.send(DeliveryStatus.DELIVERED)

    async def resend(self) -> None:
        """Have a delivery sent again."""
        if row := await self._one("webhook_deliveries"):
            endpoint_id, at = row["endpointId"], NOON + _LATER
            await deliveries.make_due(row["_id"], endpoint_id, at, self.shop.clock, NO_TRANSACTION)

    async def resend_failed(self) -> None:
        """Have a delivery that came to nothing sent again."""
        wanted = {"status": {"$in": ["failed", "canceled"]}}
        if row := await self.shop.database["webhook_deliveries"].find_one(wanted):
            await sent.again([row["_id"]], NOON + _LATER, self.shop.clock, NO_TRANSACTION)

    async def cancel(self) -> None:
        """Cancel a delivery that waits for its endpoint."""
        if row := await self._one("webhook_deliveries"):
            await deliveries.cancel([row["_id"]], self.shop.clock.now())

    async def track(self) -> None:
        """Track an event."""
        what = self.draw.choice(["payment", "resource_access"])
        fields: Row = {"type": what, "amount": 7, "currency": "USD", "metadata": {}}
        fields["state"] = "settled" if what == "payment" else None
        fields["resource"] = None if what == "payment" else f"/r/{self.draw.randrange(3)}"
        payer = self.draw.choice([None, "ada", "bob"])
        await track("default", fields, payer, self.shop.clock)

    async def count(self) -> None:
        """Do what the job does."""
        await mark_series("default", self.shop.clock, None, FOREVER)
        await roll_up(None, FOREVER)
        await make_days("default", None, FOREVER)

    async def mark(self) -> None:
        """Do the first half of it."""
        await mark_series("default", self.shop.clock, None, FOREVER)

    async def die(self) -> None:
        """Do it, and stop after some command."""
        mode = {"skip": self.draw.randrange(14)}
        commands = ["find", "aggregate", "bulkWrite", "update", "delete", "insert"]
        try:
            async with failing(bound_client(), commands, errorCode=11601, mode=mode):
                await self.count()
        except Unavailable:
            self.killed += 1

    async def purge(self) -> None:
        """Delete old rows, of quarter-hours that are counted; they change no more."""
        await self.count()
        before = self.shop.clock.now() - timedelta(hours=2)
        for name, at in _SOURCES.items():
            rows = self.shop.database[name]
            found = await rows.find({at: {"$lt": before}}).limit(2).to_list()
            # Of a quarter-hour all that is left may change; so all of it goes.
            first = min((row[at] for row in found), default=before)
            wanted = {at: {"$gte": first, "$lt": before}}
            self.gone[name] += await rows.find(wanted).to_list()
            await rows.delete_many(wanted)

    async def move_house(self) -> None:
        """Let the merchant's days begin in another zone."""
        self.zone = self.draw.choice(ZONES)
        await self.shop.database["merchants"].update_one(
            {"_id": "default"}, {"$set": {"zone": self.zone}}
        )

    async def check(self) -> None:
        """Hold what is shown, by quarter-hours and by days, to be one pass over all rows."""
        expected = await self.expected()
        now = self.shop.clock.now() + timedelta(seconds=1)
        for zone in ("America/Los_Angeles", self.zone):
            found = await read_series("default", (FIRST, now), zone, ALL_SERIES)
            for part in (Part.INCOMING, Part.OUTGOING, Part.TRACKED, Part.RESOURCE):
                assert part_of(found, part) == expected[part], (part, zone)
            assert payers_of(found) == len(expected["payers"])
            for name, payers in expected["by"].items():
                some = [one.payers_by[name] for one in found if name in one.payers_by]
                assert estimate_of(some) == len(payers), name

    async def expected(self) -> Row:
        """Return one pass over all rows, those that are gone too."""
        database = self.shop.database
        found: dict[str, dict[str, Counter[str]]] = {part: {} for part in ALL_SERIES}
        came = await database["webhook_events"].find({}).to_list() + self.gone["webhook_events"]
        for row in came:
            key = BESIDE.join(row[name] for name in ("provider", "type", "status"))
            _add(found[Part.INCOMING], key, _took(row, "receivedAt", "processedAt"))
        went = await database["webhook_deliveries"].find({}).to_list()
        for row in went + self.gone["webhook_deliveries"]:
            _add(found[Part.OUTGOING], f"{row['type']}{BESIDE}{row['status']}", _went(row))
        payers: set[str] = set()
        by: dict[str, set[str]] = {}
        for row in await database[TrackedEvent.collection_name()].find({}).to_list():
            key = BESIDE.join(row[name] or "" for name in ("type", "state", "currency"))
            _add(found[Part.TRACKED], key, {"n": 1, "amount": row["amount"]})
            if row["resource"]:
                _add(found[Part.RESOURCE], row["resource"], {"n": 1})
            if row["payer"]:
                payers.add(row["payer"])
                by.setdefault(row["resource"] or "", set()).add(row["payer"])
        by.pop("", None)
        return {**found, "payers": payers, "by": by}

    async def _one(self, name: str) -> Row | None:
        rows = await self.shop.database[name].find({}).sort("_id", 1).to_list()
        return self.draw.choice(rows) if rows else None


def _add(found: dict[str, Counter[str]], key: str, counts: Mapping[str, int]) -> None:
    found.setdefault(key, Counter()).update(counts)


def _went(row: Row) -> dict[str, int]:
    return _took(row, "createdAt", "doneAt")


def _took(row: Row, began: str, ended: str) -> dict[str, int]:
    done: Any = row[ended]
    took = round((done - row[began]).total_seconds() * 1000) if done else 0
    return {"n": 1, "took": int(done is not None), "tookMs": took}
