"""Tell of hours that are unlike others: a job looks once an hour, and alerts say what it saw."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from msgspec.structs import replace

from service.analytics.documents import UnusualHour
from service.analytics.operations.saying import sentence_of
from service.analytics.operations.services import FiguresServices, Shown, shown_as
from service.analytics.operations.spans import begin_of
from service.analytics.operations.sweeping import WITHIN_S
from service.analytics.operations.unusual import HOUR, RIPENS, Unusual, What, unusual_hours
from service.analytics.repository import facts, unusual
from service.jobs.operations.job import Report, Turn
from service.leases.operations import under
from service.notifications.alerts.operations.condition import Condition, Sighting
from service.storage.answering import answers_in_time
from service.storage.database import Row

_STANDS: Final = timedelta(minutes=75)
"""How long after an hour's end it is told of: until the next one is looked at."""

RULES: Final[Mapping[What, str]] = {
    What.SUCCESS: "success_unusual",
    What.VOLUME: "volume_unusual",
    What.ABANDONMENT: "abandonment_unusual",
}
_DO: Final[Mapping[What, str]] = {
    What.SUCCESS: "See its status page, and why payments fail in `/api/v1/analytics/failures`.",
    What.VOLUME: "Open a checkout with it, and see whether customers still get that far.",
    What.ABANDONMENT: "Open a checkout and pay; `/api/v1/analytics/checkouts` says of which plan.",
}


class WatchReport(Report):
    """What a run did: merchants whose last hour it looked at, and what of that was unusual.

    Neither is a change of what was recorded: no run by the clock stands in the trail.
    """

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.merchants = 0
        self.unusual = 0


async def watch_hours(services: FiguresServices, report: WatchReport, turn: Turn) -> None:
    """Look at the last hour of each merchant, once. Raises `Unavailable`, `LeaseLost`."""
    async with answers_in_time(WITHIN_S):
        states = await facts.states()
    for state in states:
        if turn.until.over:
            return
        shown = await shown_as(services, state.id, None, None)
        ended = begin_of(shown.as_of, "hour", shown.zone, 0)
        if await unusual.looked_until(state.id) == ended:
            continue
        found = [row for one in state.currencies for row in await _seen(shown, one, ended)]
        report.merchants += 1
        report.unusual += len(found)
        if turn.lease is not None:
            await under(turn.lease, partial(unusual.put, state.id, ended, found), WITHIN_S)


async def _seen(shown: Shown, currency: str, ended: datetime) -> list[Row]:
    of = replace(shown, currency=currency, is_named=False)
    found = await unusual_hours(of, ended - RIPENS - HOUR, ended)
    return [_row(of, one, ended) for one in found if _is_told(one, ended)]


def _is_told(found: Unusual, ended: datetime) -> bool:
    """Return whether somebody must hear of it: more payments than usual are no trouble."""
    ripe = RIPENS if found.what is What.ABANDONMENT else timedelta()
    more = found.what is What.VOLUME and found.count > found.band.middle
    return found.at + HOUR + ripe == ended and not more


def _row(shown: Shown, found: Unusual, ended: datetime) -> Row:
    rule, merchant_id = RULES[found.what], shown.merchant.id
    subject = " ".join(one for one in (found.provider, shown.currency) if one)
    given: Row = {
        "_id": f"{merchant_id}:{rule}:{subject}",
        "merchantId": merchant_id,
        "rule": rule,
        "subject": subject,
        "what": f"{sentence_of(found, shown.zone)} {_DO[found.what]}",
        "standsUntil": ended + _STANDS,
    }
    return UnusualHour.new_row(given)


def unusual_conditions() -> Sequence[Condition]:
    """Return the conditions of alerts about hours that are unlike others."""
    return [Condition(rule, partial(_look, rule)) for rule in RULES.values()]


async def _look(rule: str, now: datetime) -> Sequence[Sighting]:
    async with answers_in_time():
        rows = await unusual.standing(rule, now)
    return [Sighting(row["what"], row["subject"], row["merchantId"]) for row in rows]
