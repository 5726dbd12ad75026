"""Days of a merchant's own zone: sums of their quarter-hours, kept beside them. Pure."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from msgspec import structs

from service.analytics.documents import DayRollup
from service.analytics.operations.folding import (
    PACK_PARTS,
    UNPACK_PARTS,
    Bucket,
    Sums,
    add,
    bucket_of,
    row_of,
)
from service.analytics.operations.payers import union_of
from service.analytics.operations.periods import DAY, MINUTE, day_of, start_of
from service.analytics.operations.spans import begin_of
from service.analytics.repository.facts import Span
from service.analytics.states import MOST_KEYS_OF_A_DAY
from service.storage.database import Row


def days_of(moments: Iterable[datetime], zone: ZoneInfo) -> list[Span]:
    """Return the days that some moments are in, when each begins and ends."""
    return [whole_day(day, zone) for day in sorted({day_of(at, zone) for at in moments})]


def whole_day(day: date, zone: ZoneInfo) -> Span:
    """Return when a day begins and ends."""
    return start_of(day, zone), start_of(day + DAY, zone)


def is_day(span: Span, zone: ZoneInfo) -> bool:
    """Return whether a time is a day, by the rules that the zone has now."""
    return whole_day(day_of(span[0], zone), zone) == span


def rows_of_days(
    merchant_id: str, days: Sequence[Span], buckets: Iterable[Bucket], zone: ZoneInfo
) -> list[Row]:
    """Return days as they are stored, one for each currency, of the buckets of all of them."""
    begins = [one[0] for one in days]
    grouped: dict[tuple[int, str], list[Bucket]] = defaultdict(list)
    for one in sorted(buckets, key=lambda one: one.at):
        grouped[bisect_right(begins, one.at) - 1, one.currency].append(one)
    return [
        _row_of(merchant_id, days[number], of, zone) for (number, _), of in sorted(grouped.items())
    ]


def _row_of(merchant_id: str, day: Span, buckets: Sequence[Bucket], zone: ZoneInfo) -> Row:
    def hour_of(at: datetime) -> tuple[datetime, int]:
        # Of both: clocks have changed a minute past midnight, and then one hour is two of them.
        return begin_of(at, "hour", zone, 0), at.astimezone(zone).hour

    hours = packed_hours(day[0], buckets, hour_of)
    return DayRollup.new_row(longer_row(merchant_id, day, buckets) | {"hours": hours})


def longer_row(
    merchant_id: str, span: Span, buckets: Sequence[Bucket], without: Collection[str] = ()
) -> Row:
    """Return what some buckets of one currency come to, as it is stored, but for some parts."""
    totals: dict[str, int] = {}
    parts: dict[str, Sums] = {}
    slots: dict[int, int] = {}
    for one in buckets:
        add(totals, one.totals)
        add(slots, one.slots)
        for part, of in one.parts.items():
            known = parts.setdefault(part, {})
            for key, counts in of.items():
                add(known.setdefault(key, {}), counts)
    many = {part for part, of in parts.items() if len(of) > MOST_KEYS_OF_A_DAY}.union(without)
    few = {part: of for part, of in parts.items() if part not in many}
    payers = union_of([one.payers for one in buckets if one.payers is not None])
    whole = Bucket(span[0], buckets[0].currency, totals, few, slots, payers, _payers_by(buckets))
    return row_of(merchant_id, whole) | {"until": span[1], "without": sorted(many)}


def _payers_by(buckets: Iterable[Bucket]) -> dict[str, bytes]:
    found: dict[str, list[bytes]] = defaultdict(list)
    for one in buckets:
        for name, payers in one.payers_by.items():
            found[name].append(payers)
    return {name: union_of(of) or b"" for name, of in found.items()}


def packed_hours(
    begins: datetime, buckets: Iterable[Bucket], hour_of: Callable[[datetime], Hashable]
) -> bytes:
    """Return the totals of each hour, by the minute of a time in which its first bucket begins.

    Which hour a moment is in is what `hour_of` says. Buckets are in their order.
    """
    hours: Sums = {}
    keys: dict[Hashable, str] = {}
    for one in buckets:
        minute = str((one.at - begins) // MINUTE)
        key = keys.setdefault(hour_of(one.at), minute)
        add(hours.setdefault(key, {}), one.totals)
    return PACK_PARTS.encode(hours)


def hours_of(row: Row) -> list[Bucket]:
    """Return a day or month as its hours; what is not kept by the hour stands beside the first."""
    whole, hours = bucket_of(row | {"totals": {}}), UNPACK_PARTS.decode(row["hours"])
    found = [
        Bucket(whole.at + int(minute) * MINUTE, whole.currency, counts, {}, {}, None)
        for minute, counts in sorted(hours.items(), key=lambda one: int(one[0]))
    ]
    return [structs.replace(whole, at=found[0].at, totals=found[0].totals), *found[1:]]
