"""The week's summary: once a week and merchant, from its own Monday on; and the hour's leads."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from service.core.paging import Cursor
from service.jobs.operations.job import About, Job, Report, Turn
from service.merchants.documents import Merchant
from service.merchants.operations.changing import list_merchants
from service.notifications.mail import repository
from service.notifications.mail.operations.compose import add_mails, mail_row
from service.notifications.mail.operations.digest import digest_leads
from service.notifications.mail.operations.services import MailServices
from service.notifications.mail.operations.week import values_of
from service.notifications.mail.states import SUMMARY
from service.storage.answering import answers_in_time

BEGINS_AT = 8
"""The hour of Monday, in the merchant's zone, from which on the week before is told of."""

_WITHIN_S = 20.0
_PAGE = 100

SUMMARIES = About(
    "mail-summary",
    "mails each merchant's people what its last week came to, and an hour's leads",
    every=timedelta(hours=1),
)
ABOUT: Sequence[About] = (SUMMARIES,)


class SummaryReport(Report):
    """How many summaries of weeks, and digests of leads, wait now that had not before."""

    changes = frozenset({"summaries", "lead_digests"})

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.summaries = 0
        self.lead_digests = 0


def mail_jobs(services: MailServices) -> Sequence[Job[Any]]:
    """Return the jobs of this room, with what they need."""
    work = partial(summarize, services)
    return (Job(SUMMARIES, SummaryReport, work, work),)


async def summarize(services: MailServices, report: SummaryReport, turn: Turn) -> None:
    """Have summaries wait for each merchant whose week is over. A dry run, without a lease, counts.

    Each is there once however often this runs: its id follows from the week.
    """
    if services.server is None:
        return
    now = services.clock.now()
    cursor: Cursor | None = None
    while not turn.until.over:
        merchants, cursor = await list_merchants(cursor=cursor, limit=_PAGE)
        for merchant in merchants:
            if merchant.mail_recipients and not turn.until.over:
                week = week_told(merchant.zone, now)
                report.summaries += await _summarize(merchant, week, services, turn)
                report.lead_digests += await digest_leads(merchant, now, services, turn)
        if cursor is None:
            return


def week_told(zone: str, now: datetime) -> date:
    """Return the Monday on which the last week began that is told of by now, in a zone."""
    there = now.astimezone(ZoneInfo(zone)) - timedelta(hours=BEGINS_AT)
    return there.date() - timedelta(days=there.weekday() + 7)


async def _summarize(merchant: Merchant, monday: date, services: MailServices, turn: Turn) -> int:
    """Have a merchant's summary wait; return how many mails that are."""
    rows = [
        mail_row(merchant, SUMMARY, to, f"summary:{merchant.id}:{monday}", services)
        for to in merchant.mail_recipients
    ]
    async with answers_in_time(_WITHIN_S):
        known = await repository.known([row["_id"] for row in rows])
        new = [row for row in rows if row["_id"] not in known]
        if turn.lease is None or not new:
            return len(new)
        values = await values_of(merchant, monday)
        await add_mails([row | {"values": values} for row in new])
    return len(new)
