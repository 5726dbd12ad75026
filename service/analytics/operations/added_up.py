"""Read what was added up before: months and days that are whole and as they were, else quarters."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from service.analytics.documents import DayRollup, FiguresState, MonthRollup
from service.analytics.operations.days import hours_of, is_day
from service.analytics.operations.folding import Bucket, bucket_of
from service.analytics.operations.months import is_month, whole_month
from service.analytics.operations.periods import offsets_within
from service.analytics.operations.spans import apart_from
from service.analytics.repository import longer, rollups
from service.analytics.repository.facts import Span
from service.analytics.repository.rollups import Wanted
from service.analytics.states import Grain
from service.storage.database import Row
from service.storage.transaction import Transaction

_TELL_NO_DAYS: Final = frozenset({Grain.MONTH, Grain.HOUR_OF_DAY})
_BY_HOUR: Final = frozenset({Grain.HOUR, Grain.HOUR_OF_DAY})


class Coarse(Struct, frozen=True):
    """Months and days of a zone are read where that is possible, or as their hours.

    `months_until` is until when months were added up; others are nobody's.
    """

    zone: ZoneInfo
    grain: Grain
    months_until: datetime | None = None

    def kinds_in(self, span: Span) -> Sequence[longer.Longer]:
        """Return what may be read in a time, the longest first."""
        if self.grain not in _TELL_NO_DAYS or self.months_until is None:
            return (DayRollup,)
        first = whole_month(span[0], self.zone)
        if first[0] != span[0]:
            first = whole_month(first[1], self.zone)
        has_month = first[1] <= min(span[1], self.months_until)
        return (MonthRollup, DayRollup) if has_month else (DayRollup,)

    def may_read(self, kind: longer.Longer, span: Span, odd: Sequence[datetime]) -> bool:
        """Return whether one that was added up is as it would be made now.

        Its zone's rules may have changed, or one of some odd quarter-hours, which are in their
        order.
        """
        if _any_in(odd, span):
            return False
        if kind is DayRollup:
            return is_day(span, self.zone)
        made = self.months_until is not None and span[1] <= self.months_until
        return made and is_month(span, self.zone)


def coarse_of(state: FiguresState | None, grain: Grain, zone: str | None) -> Coarse | None:
    """Return which days and months may be read; None where those that are made are of no use."""
    if grain == Grain.QUARTER or state is None or state.zone is None or state.zone != zone:
        return None
    return Coarse(ZoneInfo(state.zone), grain, state.months_until)


async def added_up(
    of: Wanted, odd: Collection[datetime], coarse: Coarse | None, tx: Transaction
) -> list[Bucket]:
    """Return what was added up before of one time, odd quarter-hours each by itself.

    A day has no row in a currency that it has nothing in, so which days there are is asked apart.
    """
    [whole] = of.spans
    left, buckets = [whole], list[Bucket]()
    if coarse is not None:
        changed = sorted(odd)
        for kind in coarse.kinds_in(whole):
            made = await longer.made_within(kind, structs.replace(of, spans=left), tx)
            some = [one for one in made if coarse.may_read(kind, one, changed)]
            bounds = [(in_it[0][0], in_it[-1][1]) for one in left if (in_it := _within(some, one))]
            asked = structs.replace(of, spans=bounds, but=())
            used, found = await _of_longer(asked, kind, {*some}, coarse, tx)
            left = [rest for one in left for rest in apart_from(one, _within(used, one))]
            buckets += found
    stored = await rollups.within(structs.replace(of, spans=left, but=()), tx)
    return buckets + [bucket_of(row) for row in stored if row["bucket"] not in of.but]


async def _of_longer(
    of: Wanted, kind: longer.Longer, some: Collection[Span], coarse: Coarse, tx: Transaction
) -> tuple[list[Span], list[Bucket]]:
    """Return which of some times have all parts that are asked for, and what these come to."""
    by_hour = coarse.grain in _BY_HOUR
    rows = await longer.within(kind, of, by_hour, tx)
    short = {row["bucket"] for row in rows if not {*of.parts}.isdisjoint(row["without"])}
    if by_hour and kind is MonthRollup:
        short |= {row["bucket"] for row in rows if not _has_hours(row, coarse.zone)}
    used = {one for one in some if one[0] not in short}
    buckets: list[Bucket] = []
    for row in rows:
        if (row["bucket"], row["until"]) in used:
            buckets += hours_of(row) if by_hour else [bucket_of(row)]
    return sorted(used), buckets


def _has_hours(month: Row, zone: ZoneInfo) -> bool:
    """Return whether a month has its hours of the day, by the rules that the zone has now."""
    found: bool = month.get("offsets") == offsets_within((month["bucket"], month["until"]), zone)
    return found


def _any_in(moments: Sequence[datetime], span: Span) -> bool:
    """Return whether any of some moments, in their order, is in a time."""
    return bisect_left(moments, span[0]) < bisect_left(moments, span[1])


def _within(some: Sequence[Span], span: Span) -> list[Span]:
    return [one for one in some if span[0] <= one[0] and one[1] <= span[1]]
