"""Read what was added up before: days that are whole and as they were, else quarter-hours."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from service.analytics.operations.days import hours_of, is_day
from service.analytics.operations.folding import Bucket, bucket_of
from service.analytics.operations.spans import apart_from
from service.analytics.repository import days, rollups
from service.analytics.repository.facts import Span
from service.analytics.repository.rollups import Wanted
from service.storage.transaction import Transaction


class Coarse(Struct, frozen=True):
    """Days of a zone are read where that is possible, or these as their hours."""

    zone: ZoneInfo
    by_hour: bool


async def added_up(
    of: Wanted, odd: Collection[datetime], coarse: Coarse | None, tx: Transaction
) -> list[Bucket]:
    """Return what was added up before of one time, odd quarter-hours each by itself.

    A day has no row in a currency that it has nothing in, so which days there are is asked apart.
    """
    [whole] = of.spans
    used: list[Span] = []
    buckets: list[Bucket] = []
    if coarse is not None:
        made = await days.made_within(of.merchant_id, whole, tx)
        changed = sorted(odd)
        some = [one for one in made if not _any_in(changed, one) and is_day(one, coarse.zone)]
        used, buckets = await _of_days(of, some, coarse, tx)
    rest = structs.replace(of, spans=apart_from(whole, used), but=())
    stored = await rollups.within(rest, tx)
    return buckets + [bucket_of(row) for row in stored if row["bucket"] not in of.but]


async def _of_days(
    of: Wanted, some: Sequence[Span], coarse: Coarse, tx: Transaction
) -> tuple[list[Span], list[Bucket]]:
    """Return which of some days have all parts that are asked for, and what these come to."""
    if not some:
        return [], []
    shown = [*of.parts, *(["hours"] if coarse.by_hour else [])]
    rows = await days.within(of.merchant_id, (some[0][0], some[-1][1]), of.currency, shown, tx)
    short = {row["bucket"] for row in rows if not {*of.parts}.isdisjoint(row["without"])}
    used = [one for one in some if one[0] not in short]
    begins = {one[0] for one in used}
    buckets: list[Bucket] = []
    for row in rows:
        if row["bucket"] in begins:
            buckets += hours_of(row) if coarse.by_hour else [bucket_of(row)]
    return used, buckets


def _any_in(moments: Sequence[datetime], span: Span) -> bool:
    """Return whether any of some moments, in their order, is in a time."""
    return bisect_left(moments, span[0]) < bisect_left(moments, span[1])
