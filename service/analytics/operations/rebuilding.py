"""How figures stand; have them made anew, or answers that are kept be computed again."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

from service.analytics.documents import DayRollup, FiguresState, MonthRollup
from service.analytics.operations.marking import SERIES_NAME
from service.analytics.operations.sweeping import WITHIN_S
from service.analytics.repository import facts, longer, rebuilds, rollups, series, sources, versions
from service.analytics.repository.facts import Span
from service.analytics.states import QUARTER
from service.audit.operations import Act, record
from service.core.clock import Clock
from service.core.principal import Principal
from service.core.strict_json import JsonObject
from service.core.views import view_of
from service.storage.answering import answers_in_time
from service.storage.database import EMPTY_TIME
from service.storage.plain import NO_TRANSACTION, in_transaction
from service.storage.transaction import Transaction

_AT_ONCE: Final = 2_000
_WEEK: Final = timedelta(weeks=1)


class Standing(Struct, frozen=True):
    """How a merchant's figures stand: when its rows were last read, and what is to be added up.

    Days and months are of `zone`; `days_from` is from when on days are still to be made,
    `months_until` until when months were, `customers_until` those of customers.
    """

    merchant_id: str
    read_at: datetime
    marked: int
    oldest_mark: datetime | None
    zone: str | None
    days_from: datetime | None
    months_until: datetime | None
    customers_until: datetime | None


class Aggregate(Struct, frozen=True):
    """Until when the rows of a collection were read, of the merchant that is behind most."""

    name: str
    read_until: datetime | None


class Status(Struct, frozen=True):
    """How figures stand: of each merchant and collection, and how much there is of what."""

    merchants: Sequence[Standing]
    aggregates: Sequence[Aggregate]
    facts: int
    rollups: int
    days: int
    months: int


async def figures_status() -> Status:
    """Return how figures stand. Raises `Unavailable`."""
    async with answers_in_time(WITHIN_S):
        marks, states = await facts.marks_by_merchant(), await facts.states()
        standing = []
        for one in states:
            marked, oldest = marks.get(one.id, (0, None))
            standing.append(
                view_of(Standing, one, merchant_id=one.id, marked=marked, oldest_mark=oldest)
            )
        counts = await facts.count(), await rollups.count()
        made = [await longer.count(kind) for kind in (DayRollup, MonthRollup)]
        aggregates = [Aggregate(name, _read_until(name, states)) for name in sources.SOURCES]
        aggregates.append(Aggregate(SERIES_NAME, _counted_until(states)))
        return Status(standing, aggregates, *counts, *made)


def _read_until(source: str, states: Sequence[FiguresState]) -> datetime | None:
    """Return until when a collection was read of all merchants; None where some never were."""
    reached = min((one.seen.get(source, EMPTY_TIME) for one in states), default=EMPTY_TIME)
    return datetime.fromtimestamp(reached.time, UTC) if reached > EMPTY_TIME else None


def _counted_until(states: Sequence[FiguresState]) -> datetime | None:
    """Return until when webhooks and tracked events were counted of all merchants."""
    reached = [one.series_until for one in states]
    return min([one for one in reached if one is not None], default=None) if all(reached) else None


class Begun(Struct, frozen=True):
    """How many quarter-hours a rebuild marked, and how many of them were left when it went on."""

    buckets: int
    left: int


async def begin_rebuild(since: datetime, until: datetime, by: Principal, clock: Clock) -> Begun:
    """Mark all quarter-hours of a time, and have all rows be read again.

    The job does the rest, also the days and months that these are in and all days of customers, and
    goes on where it was stopped; so does a rebuild of the same time that was not done. Answers
    meanwhile are as they were. Raises `Unavailable`.
    """
    async with answers_in_time(WITHIN_S):
        known, left = await rebuilds.latest(), await rebuilds.count_left()
    if known is not None and left and (known.since, known.until) == (since, until):
        return Begun(known.buckets, left)
    async with answers_in_time(WITHIN_S):
        # Whoever is stopped while he marks leaves none to go on with, and begins anew.
        await rebuilds.forget()
        merchants = [one.id for one in await facts.states()]
    marked = sum([await _mark(one, (since, until)) for one in merchants])
    async with answers_in_time(WITHIN_S):
        await facts.read_again()
    detail: JsonObject = {"from": since.isoformat(), "to": until.isoformat(), "buckets": marked}
    act = Act("figures.rebuilt", "figures", detail=detail)

    async def work(tx: Transaction) -> None:
        await rebuilds.keep(since, until, marked, clock.now(), tx)
        await record(tx, by, act, clock.now())

    await in_transaction(work)
    return Begun(marked, marked)


async def _mark(merchant_id: str, span: Span) -> int:
    """Mark all quarter-hours of a merchant, some at a time; return how many.

    Each command has its own time, and goes through a week at most: two years of three merchants may
    be 200,000 quarter-hours, and millions of facts.
    """
    count = 0
    async with answers_in_time(WITHIN_S):
        bounds = await facts.bounds_of(merchant_id)
        bounds += await series.bounds_of(merchant_id, NO_TRANSACTION)
    for week in _weeks(span, bounds):
        async with answers_in_time(WITHIN_S):
            made = await longer.begins_of(merchant_id, week)
            made |= await series.quarters(merchant_id, week, NO_TRANSACTION)
            buckets = sorted(made.union(await facts.buckets_within(merchant_id, week)))
        for n in range(0, len(buckets), _AT_ONCE):
            async with answers_in_time(WITHIN_S):
                await rebuilds.mark(merchant_id, buckets[n : n + _AT_ONCE])
        count += len(buckets)
    return count


def _weeks(span: Span, bounds: Sequence[datetime]) -> Iterator[Span]:
    """Yield the weeks of a time between all moments; a day begins before what it counts."""
    if not bounds:
        return
    since = max(span[0], min(bounds) - longer.LONGEST_DAY)
    until = min(span[1], max(bounds) + QUARTER)
    while since < until:
        yield since, min(since + _WEEK, until)
        since += _WEEK


async def count_left() -> int:
    """Return how many quarter-hours of a rebuild are to be added up. Raises `Unavailable`."""
    async with answers_in_time(WITHIN_S):
        return await rebuilds.count_left()


async def clear_caches(by: Principal, clock: Clock) -> None:
    """Have every process compute its answers anew. Raises `Unavailable`."""

    async def work(tx: Transaction) -> None:
        await versions.note_cleared(clock.now(), tx)
        await record(tx, by, Act("figures.cache_cleared", "figures"), clock.now())

    await in_transaction(work)
