"""Which leads an hour brought, mailed once to a merchant that wants it.

Anybody may leave leads, as many as they like: so there is one mail for all of an hour, none for an
hour without any, and none at all unless the merchant has set `leadDigest`.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import structlog

from service.core.errors import Unavailable
from service.core.money import exponent
from service.core.paging import Cursor
from service.core.strict_json import JsonObject
from service.intents import repository as intents
from service.intents.repository import IntentFilter, PlanSum
from service.jobs.operations.job import About, Job, Report, Turn
from service.merchants.documents import Merchant
from service.merchants.operations.changing import list_merchants
from service.notifications.mail import repository
from service.notifications.mail.operations import words
from service.notifications.mail.operations.compose import add_mails, mail_row
from service.notifications.mail.operations.services import MailServices
from service.notifications.mail.states import LEADS
from service.storage.answering import answers_in_time

HOUR: Final = timedelta(hours=1)
PART: Final = timedelta(minutes=5)
LOOKS_BACK: Final = 3
"""How many hours that are over are told of, where the job was not run for so long."""

# A lead of an hour's last moment is being written still when that is over.
_SETTLED = timedelta(minutes=1)
_MOST_PLANS = 20
_WITHIN_S = 20.0
_PAGE = 100

log = structlog.get_logger(__name__)

DIGESTS = About(
    "lead-digests",
    "mails the leads of an hour to the people of each merchant that wants it",
    every=HOUR,
)
ABOUT: Sequence[About] = (DIGESTS,)


class DigestReport(Report):
    """How many digests of leads wait now that had not before.

    `unknown`: merchants whose leads nobody could add up.
    """

    changes = frozenset({"lead_digests"})

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.lead_digests = 0
        self.unknown = 0


def mail_jobs(services: MailServices) -> Sequence[Job[Any]]:
    """Return the jobs of this room, with what they need."""
    work = partial(digest_all, services)
    return (Job(DIGESTS, DigestReport, work, work),)


async def digest_all(services: MailServices, report: DigestReport, turn: Turn) -> None:
    """Have digests wait for each merchant that wants them. A dry run, without a lease, counts.

    One merchant whose leads can't be added up holds up no other.
    """
    if services.server is None:
        return
    now = services.clock.now()
    cursor: Cursor | None = None
    while not turn.until.over:
        merchants, cursor = await list_merchants(cursor=cursor, limit=_PAGE)
        for merchant in merchants:
            if not merchant.mail_recipients or turn.until.over:
                continue
            try:
                report.lead_digests += await digest_leads(merchant, now, services, turn)
            except Unavailable as error:
                log.warning("leads can not be added up", merchant=merchant.id, reason=str(error))
                report.unknown += 1
        if cursor is None:
            return


async def digest_leads(
    merchant: Merchant, now: datetime, services: MailServices, turn: Turn
) -> int:
    """Have the digests of a merchant's last hours wait; return how many mails that are.

    Each is there once however often this runs: its id follows from the hour. A dry run counts.
    """
    if not merchant.lead_digest:
        return 0
    over = (now - _SETTLED).replace(minute=0, second=0, microsecond=0)
    made = 0
    for back in range(LOOKS_BACK):
        made += await _digest(merchant, over - (back + 1) * HOUR, services, turn)
    return made


async def _digest(merchant: Merchant, since: datetime, services: MailServices, turn: Turn) -> int:
    cause = f"leads:{merchant.id}:{since.isoformat()}"
    rows = [mail_row(merchant, LEADS, to, cause, services) for to in merchant.mail_recipients]
    async with answers_in_time(_WITHIN_S):
        known = await repository.known([row["_id"] for row in rows])
        new = [row for row in rows if row["_id"] not in known]
    parts = [_part(merchant.id, since + number * PART) for number in range(HOUR // PART)]
    count = await _count(parts) if new else 0
    if count and turn.lease is not None:
        values = _values(count, await _most_wanted(parts), since)
        async with answers_in_time(_WITHIN_S):
            await add_mails([row | {"values": values} for row in new])
    return len(new) if count else 0


def _part(merchant_id: str, since: datetime) -> IntentFilter:
    """Return what of an hour is asked for at once.

    Anybody may leave leads, and an hour of very many takes longer than one answer may.
    """
    return IntentFilter(merchant_id=merchant_id, since=since, until=since + PART)


async def _count(parts: Sequence[IntentFilter]) -> int:
    """Return how many leads an hour brought, whatever their plans are called."""
    count = 0
    for part in parts:
        async with answers_in_time(_WITHIN_S):
            count += await intents.count(part)
    return count


async def _most_wanted(parts: Sequence[IntentFilter]) -> Sequence[PlanSum]:
    """Return the sums of the plans of an hour's leads that are told one by one.

    Where leads name more plans than a part is answered with, they are the most wanted of those, and
    are added up once more by their names, so that no part of theirs is missing.
    """
    sums, is_whole = await _sums(parts)
    if is_whole:
        return sums[:_MOST_PLANS]
    sums, _ = await _sums(parts, {one.plan_name for one in sums[:_MOST_PLANS]})
    return sums[:_MOST_PLANS]


async def _sums(
    parts: Sequence[IntentFilter], names: Collection[str] | None = None
) -> tuple[Sequence[PlanSum], bool]:
    """Return the sums by plan, the most wanted first, and whether those are all of them."""
    sums: dict[tuple[str, str], PlanSum] = {}
    is_whole = True
    for part in parts:
        async with answers_in_time(_WITHIN_S):
            found = await intents.sum_by_plan(part, names)
        is_whole = is_whole and len(found) < intents.MOST_GROUPS
        for one in found:
            key = (one.plan_name, one.currency)
            known = sums.get(key) or PlanSum(*key, 0, 0)
            sums[key] = PlanSum(*key, known.count + one.count, known.amount + one.amount)
    order = sorted(sums.values(), key=lambda one: (-one.count, one.plan_name, one.currency))
    return order, is_whole


def _values(count: int, plans: Sequence[PlanSum], since: datetime) -> JsonObject:
    return {
        "quantity": str(count),
        "since": words.time(since),
        "until": words.time(since + HOUR),
        "rows": [_row(one) for one in plans],
    }


def _row(one: PlanSum) -> JsonObject:
    amount = words.price(one.amount, exponent(one.currency), one.currency)
    return {"item": one.plan_name, "quantity": str(one.count), "amount": amount}
