"""Read stored events anew by the code of today: tell what differs, and fill it in.

It moves no session, opens no review and writes no message. What an event says of a refund, a
dispute or a try that failed is entered into the ledger. What an event means to the code of today is
for a replay to apply; what it says besides is filled in, from its own payload.
"""

import asyncio
from collections import Counter
from datetime import datetime

from msgspec import Struct

from service.audit.operations import Act, record
from service.core.lanes import over
from service.core.paging import Cursor
from service.core.principal import Principal
from service.core.strict_json import JsonObject
from service.effects.rereading import Reread, reread
from service.inbox.operations.inbox import Inbox
from service.inbox.repository import page_of_type
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION

BATCH = 50
SHOWN = 20
# A batch steps over the events of other types that came meanwhile.
_BATCH_WITHIN_S = 60.0


class Chosen(Struct, frozen=True):
    """Which events are read anew: those of a type that came since, in `after` a run's last one."""

    type: str
    since: datetime
    provider: str | None = None
    after: Cursor | None = None


class Doing(Struct, frozen=True):
    """How it is done: `dry_run` writes nothing, `stopping` ends it before the next event."""

    dry_run: bool
    stopping: asyncio.Event | None = None


class Report:
    """What came of a run: of how many events facts differ, or rows of the ledger.

    `first` are the first that differ. `stopped_at` is set where a run was stopped: the next one
    goes on there.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.read = 0
        self.facts = 0
        self.rows = 0
        self.replay = 0
        self.skipped: Counter[str] = Counter()
        self.first: list[Reread] = []
        self.stopped_at: Cursor | None = None

    def add(self, one: Reread) -> None:
        """Count what came of an event."""
        self.read += 1
        self.replay += one.replay
        self.facts += bool(one.facts) and not one.replay
        self.rows += bool(one.rows)
        if one.skipped is not None:
            self.skipped[one.skipped] += 1
        if (one.facts or one.rows) and len(self.first) < SHOWN:
            self.first.append(one)


async def backfill(
    chosen: Chosen,
    by: Principal,
    inbox: Inbox,
    doing: Doing,
) -> Report:
    """Read a merchant's events anew, oldest first, and fill in what they say besides.

    A second run finds nothing left. The beginning and the end are put on the record, also of a run
    that ends in the middle. Raises `Unavailable`, and `Busy` where a payment is written again and
    again.
    """
    report = Report()
    if not doing.dry_run:
        await _record("backfill.began", chosen, by, inbox)
    try:
        await _work_off(chosen, by.merchant_id, inbox, report, doing)
    finally:
        if not doing.dry_run:
            await _record("backfill.ended", chosen, by, inbox, report)
    return report


async def _work_off(
    chosen: Chosen, merchant_id: str, inbox: Inbox, report: Report, doing: Doing
) -> None:
    place = chosen.after
    while True:
        async with answers_in_time(_BATCH_WITHIN_S):
            rows = await page_of_type(
                merchant_id,
                chosen.type,
                chosen.provider,
                since=place.at if place else chosen.since,
                after=place.id if place else None,
                limit=BATCH,
            )
        for row in rows:
            if over(doing.stopping):
                report.stopped_at = place
                return
            report.add(await reread(row, inbox, dry_run=doing.dry_run))
            place = Cursor(row.received_at, row.id)
        if not rows:
            return


async def _record(
    action: str, chosen: Chosen, by: Principal, inbox: Inbox, report: Report | None = None
) -> None:
    detail: JsonObject = {"since": chosen.since.isoformat(), "provider": chosen.provider}
    if report is not None:
        detail |= {"read": report.read, "facts": report.facts, "rows": report.rows}
        detail |= {"replay": report.replay, "skipped": report.skipped.total()}
    act = Act(action, f"events:{chosen.type}", detail=detail)
    async with answers_in_time():
        await record(NO_TRANSACTION, by, act, inbox.clock.now())
