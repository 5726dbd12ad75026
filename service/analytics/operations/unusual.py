"""Hours that are unlike the same hours of the weeks before."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct

from service.analytics.operations.asking import ask
from service.analytics.operations.bands import Band, Share, unusual_count, unusual_share
from service.analytics.operations.folding import Bucket, add
from service.analytics.operations.periods import DAY
from service.analytics.operations.services import Shown
from service.analytics.operations.spans import begin_of
from service.analytics.repository.facts import Span
from service.analytics.states import BESIDE, NONE, REST, Counts, Part
from service.sessions.states import Status

WEEKS: Final = 8
"""With how many weeks an hour is compared."""
HOUR: Final = timedelta(hours=1)
RIPENS: Final = timedelta(hours=2)
"""How long after an hour's end nearly all of its sessions are paid that ever will be."""
_MOST_CODES: Final = 3
_WEEK: Final = 7 * DAY


class What(StrEnum):
    """What of an hour is unusual."""

    SUCCESS = "success_rate"
    VOLUME = "volume"
    ABANDONMENT = "abandonment"


class Unusual(Struct, frozen=True):
    """Something of an hour that is outside its band. Abandonment is of no provider (`""`).

    `count` are the payments or sessions of the hour, `bad` those that failed or were left, and
    `codes` what the failures say, the most frequent first.
    """

    what: What
    at: datetime
    provider: str
    count: int
    bad: int
    band: Band
    codes: Sequence[tuple[str, int]] = ()


Hours: TypeAlias = Mapping[datetime, Mapping[str, Counts]]
"""The counts of hours that have any, by provider, and of all together."""
ALL: Final = NONE


async def unusual_hours(shown: Shown, since: datetime, until: datetime) -> list[Unusual]:
    """Return what is unusual of the hours that ended in a time, the latest first.

    Raises `NoSuchCurrency`, and `Unavailable`.
    """
    zone = shown.zone
    until = min(until, begin_of(shown.as_of, "hour", zone, 0))
    found = await ask(shown, _spans(since, until, zone), [Part.PROVIDER, Part.PROVIDER_CODE])
    buckets = [one for of in found for one in of]
    hours, begins = _hours(buckets, zone), _first_seen(buckets)
    codes = _codes(buckets, zone)
    unusual = [
        one
        for at in _of(since, until, zone)
        for one in _judged(at, hours, begins, zone)
        if one.what is not What.ABANDONMENT or at + HOUR + RIPENS <= shown.as_of
    ]
    return [_explained(one, codes) for one in reversed(unusual)]


def same_hours(at: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return the same hours of the weeks before, by the clocks of a zone."""
    wall = at.astimezone(zone)
    before = [(wall - _WEEK * n).replace(fold=wall.fold) for n in range(1, WEEKS + 1)]
    return [begin_of(one.astimezone(at.tzinfo), "hour", zone, 0) for one in before]


def _spans(since: datetime, until: datetime, zone: ZoneInfo) -> list[Span]:
    """Return a time and the same of the weeks before: as one, where it is a week or more."""
    if since >= until:
        return []
    if until - since >= _WEEK - DAY:
        return [(same_hours(since, zone)[-1] - DAY, until)]
    # A change of the clocks moves hours by less than one to either side.
    edges = zip(same_hours(since, zone), same_hours(until, zone), strict=True)
    return [(since, until), *((begins - HOUR, ends + HOUR) for begins, ends in edges)]


def _of(since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the hours of a time, also those in which nothing was."""
    at = begin_of(since, "hour", zone, 0)
    while at < until:
        yield at
        at = begin_of(at + HOUR, "hour", zone, 0)


def _hours(buckets: Sequence[Bucket], zone: ZoneInfo) -> dict[datetime, dict[str, Counts]]:
    found: dict[datetime, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for one in buckets:
        at = begin_of(one.at, "hour", zone, 0)
        add(found[at][ALL], one.totals)
        for provider, counts in one.parts.get(Part.PROVIDER, {}).items():
            if provider not in {NONE, REST}:
                add(found[at][provider], counts)
    return {at: {**of} for at, of in found.items()}


def _first_seen(buckets: Sequence[Bucket]) -> dict[str, datetime]:
    """Return when each provider had its first payment: it was not in use before."""
    found: dict[str, datetime] = {}
    for one in buckets:
        for provider, counts in one.parts.get(Part.PROVIDER, {}).items():
            if counts.get("payment"):
                found[provider] = min(one.at, found.get(provider, one.at))
    return found


def _judged(
    at: datetime, hours: Hours, begins: Mapping[str, datetime], zone: ZoneInfo
) -> Iterator[Unusual]:
    same, now = same_hours(at, zone), hours.get(at, {})
    for provider, first in sorted(begins.items()):
        if provider in {NONE, REST}:
            continue
        before = [hours.get(one, {}).get(provider, {}) for one in same if one + HOUR > first]
        yield from of_provider(at, provider, now.get(provider, {}), before)
    sessions = [_left(hours[one].get(ALL, {})) for one in same if one in hours]
    left = _left(now.get(ALL, {}))
    if (band := unusual_share(left, sessions)) is not None:
        yield Unusual(What.ABANDONMENT, at, ALL, left.of, left.bad, band)


def of_provider(
    at: datetime, provider: str, now: Counts, before: Sequence[Counts]
) -> Iterator[Unusual]:
    """Yield what is unusual of a provider's hour, compared with some others."""
    failed = _failed(now)
    count = now.get("payment", 0)
    if (band := unusual_share(failed, [_failed(one) for one in before])) is not None:
        yield Unusual(What.SUCCESS, at, provider, failed.of, failed.bad, band)
    if (band := unusual_count(count, [one.get("payment", 0) for one in before])) is not None:
        yield Unusual(What.VOLUME, at, provider, count, failed.bad, band)


def _failed(counts: Counts) -> Share:
    failed = counts.get("failed", 0)
    return Share(failed, failed + counts.get("paid", 0))


def _left(counts: Counts) -> Share:
    opened = counts.get("session", 0)
    kept = sum(counts.get(f"session:{one}", 0) for one in (Status.COMPLETED, Status.PROCESSING))
    return Share(opened - kept, opened)


def _codes(buckets: Sequence[Bucket], zone: ZoneInfo) -> dict[tuple[datetime, str], Counter[str]]:
    found: dict[tuple[datetime, str], Counter[str]] = defaultdict(Counter)
    for one in buckets:
        at = begin_of(one.at, "hour", zone, 0)
        for key, counts in one.parts.get(Part.PROVIDER_CODE, {}).items():
            provider, _, code = key.partition(BESIDE)
            if code and counts.get("failed"):
                found[at, provider][code] += counts["failed"]
    return found


def _explained(one: Unusual, codes: Mapping[tuple[datetime, str], Counter[str]]) -> Unusual:
    if one.what is not What.SUCCESS:
        return one
    said = codes.get((one.at, one.provider), Counter())
    ranked = sorted(said.items(), key=lambda of: (-of[1], of[0]))[:_MOST_CODES]
    return Unusual(one.what, one.at, one.provider, one.count, one.bad, one.band, ranked)
