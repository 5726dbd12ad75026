"""What there is to operate: a job that takes its time, rows that wait, all with hostile words."""

import asyncio
import re
from datetime import timedelta
from typing import Any

from httpx import AsyncClient, Response

from service.core.clock import Clock
from service.jobs.operations.job import About, Job, Report, Table, Turn
from service.outbox.documents import Delivery, OutboxMessage
from service.storage.database import Database, Row
from tests.dashboard.signing_in import token_in

PAGE = "/dashboard/operations"
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>'\""


class Steps(Report):
    """A report of its own."""

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        super().__init__(job, dry_run=dry_run)
        self.steps = 0


class Slow:
    """A job that lasts until it is let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.about = About("slow", "takes its time")

    @property
    def job(self) -> Job[Any]:
        """Return it as a row of the table."""
        return Job(self.about, Steps, self.work, self.work)

    async def work(self, report: Steps, _: Turn) -> None:
        """Wait, and count."""
        await self.let_go.wait()
        report.steps = 7


async def over(table: Table) -> None:
    """Wait until nothing is under way that was begun by a page."""
    if table.under_way:
        await asyncio.wait(set(table.under_way))


async def said(http: AsyncClient, act: str, about: str) -> str:
    """Press a button, and return what the page that follows says."""
    answer = await press(http, act, about)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE), answer.text
    found = re.search(r'id="said"[^>]*>([^<]*)<', (await http.get(PAGE)).text)
    assert found
    return found[1]


def event(clock: Clock, **fields: Any) -> Row:
    """Make the row of an event that stands open."""
    return {
        "_id": f"{EVIL}{'x' * 300}",
        "merchantId": "default",
        "provider": "stripe",
        "account": "a",
        "eventId": "e",
        "type": "t",
        "status": "dead",
        "payload": b"",
        "occurredAt": clock.now(),
        "receivedAt": clock.now(),
    } | fields


def failed_run(clock: Clock) -> Row:
    """Make the row of a run that failed."""
    return {
        "job": "events",
        "fence": 1,
        "by": EVIL,
        "startedAt": clock.now(),
        "endedAt": clock.now(),
        "state": "failed",
        "figures": {EVIL: 3},
        "error": f"{EVIL}\x1b[2J{'y' * 500}",
    }


async def press(http: AsyncClient, act: str, about: str, **changed: str) -> Response:
    """Press a button of the page, as it is now; return the answer of the button itself."""
    token = token_in(await http.get(PAGE))
    return await http.post(f"{PAGE}/{act}", data={"token": token, "id": about, **changed})


def dead_letter(clock: Clock, delivery_id: str = f"topic:{EVIL}", **fields: Any) -> tuple[Row, Row]:
    """Make the rows of a message and of a delivery of it that was given up."""
    now = clock.now()
    kept = {"merchantId": "default", "topic": EVIL, "sessionId": "ps_1", "createdAt": now} | fields
    kept["purgeAt"] = now + timedelta(days=90)
    message = {"_id": delivery_id, "status": "dispatched"} | kept
    delivery = {
        "_id": f"{delivery_id}:test",
        "messageId": delivery_id,
        "subscriber": "test",
        "lane": f"test:{EVIL}{'z' * 300}",
        "status": "dead",
        "attempts": 9,
        "nextAttemptAt": now,
        "giveUpAt": now,
        "error": f"{EVIL}\x1b[2J{'y' * 500}",
    }
    return OutboxMessage.new_row(message), Delivery.new_row(delivery | kept)


async def give_up(database: Database, clock: Clock, *ids: str, **fields: Any) -> None:
    """Have deliveries that were given up."""
    for one in ids or (f"topic:{EVIL}",):
        message, delivery = dead_letter(clock, one, **fields)
        await database["outbox"].insert_one(message)
        await database["deliveries"].insert_one(delivery)
