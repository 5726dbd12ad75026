"""What changed of months that were closed: each change is told once, by the next report."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from zoneinfo import ZoneInfo

import msgspec

from service.analytics.operations.figures import figures_of, total_of
from service.analytics.operations.folding import Bucket
from service.analytics.operations.periods import day_of, start_of
from service.analytics.operations.reading import Asked, read_within, unread_within
from service.analytics.repository.facts import Span
from service.analytics.states import quarter_of
from service.reports import repository
from service.reports.documents import ClosedReport
from service.reports.operations.due import Due
from service.reports.states import (
    ReportAdjustment,
    Sums,
    Told,
    adjustment,
    first_of,
    month_after,
    month_before,
    months_until,
    name_of,
    told_of,
)
from service.storage.transaction import Transaction


async def adjustments_of(due: Due, tx: Transaction) -> list[ReportAdjustment]:
    """Return what the figures say by now of earlier months that no report has said yet.

    That is what they say less all that reports have said, their adjustments included: a correction
    that was told is part of that, so it is told once. Reading and the report that tells it are one
    transaction. Raises `Unavailable`.
    """
    reports = await repository.chain(due.merchant.id, due.currency, tx)
    told = told_of((one.month, _told(one)) for one in reports)
    since = await _first(due, tx)
    spans = dict(_spans(due, reports, sorted(told), since))
    months = _together(spans)
    asked = Asked(due.merchant.id, [(of[0][1][0], of[-1][1][1]) for of in months], due.currency)
    now = (await read_within(asked, tx)).buckets
    found = (
        adjustment(month, told.get(month, Counter()), summed(_within(buckets, span)))
        for of, buckets in zip(months, now, strict=True)
        for month, span in of
    )
    return [one for one in found if one is not None]


def _together(spans: Mapping[str, Span]) -> list[list[tuple[str, Span]]]:
    """Return months, in their order, those together that no quarter-hour is in two of.

    There may be hundreds without anything, and each time that is asked for takes two commands.
    """
    found: list[list[tuple[str, Span]]] = []
    for month, span in spans.items():
        begins = span[0]
        if found and found[-1][-1][1][1] == begins == quarter_of(begins):
            found[-1].append((month, span))
        else:
            found.append([(month, span)])
    return found


def _within(buckets: Sequence[Bucket], span: Span) -> Sequence[Bucket]:
    """Return those that begin in a time; they are in their order."""
    since, until = quarter_of(span[0]), span[1]
    first, last = (bisect_left(buckets, at, key=attrgetter("at")) for at in (since, until))
    return buckets[first:last]


def summed(buckets: Sequence[Bucket]) -> Sums:
    """Return what buckets add to a month."""
    figures = figures_of(total_of(buckets))
    return {
        "total_revenue": figures.revenue,
        "refunded": figures.refunded,
        "lost": figures.lost,
        "net_revenue": figures.net_revenue,
        "total_transactions": figures.transaction_count,
        "successful_transactions": figures.successful_count,
        "failed_transactions": figures.failed_count,
    }


async def _first(due: Due, tx: Transaction) -> datetime | None:
    """Return a moment before which a merchant has nothing, also of what is not added up yet."""
    fresh = await unread_within(due.merchant.id, tx)
    known = [
        await repository.first_at(due.merchant.id, due.currency, tx),
        await repository.first_marked(due.merchant.id, tx),
        min((row["at"] for row in fresh.values()), default=None),
    ]
    return min((one for one in known if one is not None), default=None)


def _told(report: ClosedReport) -> Told:
    return msgspec.json.decode(report.content, type=Told)


def _spans(
    due: Due, reports: Sequence[ClosedReport], told: Sequence[str], since: datetime | None
) -> Iterator[tuple[str, Span]]:
    """Yield each earlier month with its time: closed ones as they were closed.

    Before the first of these there may be some of which we heard only later. Where the merchant has
    moved east since, the last of them takes in the hours that are the first month's there.
    """
    zone, begins = ZoneInfo(due.merchant.zone), reports[0].begins_at if reports else due.span[0]
    first = reports[0].month if reports else due.month
    known = [first, *told[:1]]
    if since is not None and since < begins:
        known += [month_before(first), name_of(day_of(since, zone))]
    for month in months_until(min(known), first):
        following = month_after(month)
        ends = begins if following == first else start_of(first_of(following), zone)
        yield month, (start_of(first_of(month), zone), ends)
    for one in reports:
        yield one.month, (one.begins_at, one.ends_at)
