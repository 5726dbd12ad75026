"""The figures of a merchant's last days, in one currency."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from service.payments.history import repository
from service.payments.history.errors import TooMuch
from service.payments.history.operations.fold import (
    Failures,
    Figures,
    PlanFigures,
    Sum,
    by_plan,
    failures_of,
    figures_of,
)
from service.payments.history.repository import DisputeSum, Grouped, Range, RefundSum, TriesSum
from service.payments.refunds.states import RefundStatus
from service.storage.answering import answers_in_time

LARGEST: Final = 200_000
"""How many payments are added up for one answer: some seconds of the database's time."""

_WITHIN_S = 20.0
# Each keeps a core of the database busy for seconds; so many at once that none ends in time would
# also keep it from recording payments. Whoever waits for too long is told to try again.
_A_FEW = asyncio.Semaphore(2)


class Day(Struct, frozen=True):
    """The payments of one day, and the refunds and disputes that were made on it."""

    day: str
    figures: Figures
    refunds: Sum
    disputes: Sum


class Analytics(Struct, frozen=True, kw_only=True):
    """The figures of a time in one currency; `currencies` are all that it has payments in.

    A payment is of the day on which it was first heard of; `refunds` are those that succeeded, by
    the day on which they were made, whatever day their payment is of. `refund_states` and
    `dispute_states` are all of the time, by their state. `tries` says how many payments succeeded
    with which try.
    """

    currency: str
    currencies: Sequence[str]
    within: Range
    total: Figures
    by_day: Sequence[Day]
    by_plan: Sequence[PlanFigures]
    other_plans: Figures | None
    failures: Sequence[Failures]
    refund_states: Mapping[str, Sum]
    dispute_states: Mapping[str, Sum]
    tries: Sequence[TriesSum]

    @property
    def tries_until_success(self) -> float | None:
        """Return how many tries a payment that succeeded took, on average."""
        paid = sum(one.payments for one in self.tries)
        return (
            round(sum(one.tries * one.payments for one in self.tries) / paid, 2) if paid else None
        )


def last_days(merchant_id: str, zone: str, days: int, now: datetime) -> Range:
    """Return the time of the last days of a zone, today's part included."""
    today = now.astimezone(ZoneInfo(zone)).date()
    first = datetime.combine(today - timedelta(days=days - 1), time(), ZoneInfo(zone))
    return Range(merchant_id, first.astimezone(UTC), now + timedelta(milliseconds=1), zone)


async def analyze(within: Range, currency: str) -> Analytics:
    """Add up what was paid, refunded, disputed and tried in a time.

    Raises `TooMuch`, and `Unavailable`.
    """
    async with answers_in_time(_WITHIN_S), _A_FEW:
        if await repository.count_payments(within, LARGEST + 1) > LARGEST:
            message = f"takes in more than {LARGEST} payments: ask for fewer days"
            raise TooMuch("days", message)
        groups = await repository.sum_payments(within)
        refunds = await repository.sum_refunds(within)
        disputes = await repository.sum_disputes(within)
        tries = await repository.sum_tries(within, currency)
    present = {one.currency for one in groups} | {one.currency for one in refunds}
    present |= {one.currency for one in disputes}
    own = [one for one in groups if one.currency == currency]
    refunds = [one for one in refunds if one.currency == currency]
    disputes = [one for one in disputes if one.currency == currency]
    plans, others = by_plan(own)
    return Analytics(
        currency=currency,
        currencies=sorted(present),
        within=within,
        total=figures_of(own),
        by_day=_days(within, own, refunds, disputes),
        by_plan=plans,
        other_plans=others,
        failures=failures_of(own),
        refund_states=_by_state(refunds),
        dispute_states=_by_state(disputes),
        tries=sorted(tries, key=lambda one: one.tries),
    )


def _days(
    within: Range,
    groups: Iterable[Grouped],
    refunds: Iterable[RefundSum],
    disputes: Iterable[DisputeSum],
) -> list[Day]:
    """Return each day of a time, also those on which nothing happened."""
    paid: dict[str, list[Grouped]] = defaultdict(list)
    for one in groups:
        paid[one.day].append(one)
    made = [one for one in refunds if one.status is RefundStatus.SUCCEEDED]
    back, disputed = _by(made, "day"), _by(disputes, "day")
    zone, nothing = ZoneInfo(within.zone), Sum(0, 0)
    first, last = (at.astimezone(zone).date() for at in (within.since, within.until))
    names = [_day(first, n) for n in range((last - first).days + 1)]
    return [
        Day(name, figures_of(paid[name]), back.get(name, nothing), disputed.get(name, nothing))
        for name in names
    ]


def _day(first: date, n: int) -> str:
    return (first + timedelta(days=n)).isoformat()


def _by_state(rows: Iterable[RefundSum | DisputeSum]) -> Mapping[str, Sum]:
    return _by(rows, "status")


def _by(rows: Iterable[RefundSum | DisputeSum], name: str) -> dict[str, Sum]:
    sums: dict[str, Sum] = {}
    for row in rows:
        key = str(getattr(row, name))
        before = sums.get(key, Sum(0, 0))
        sums[key] = Sum(before.count + row.count, before.amount + row.amount)
    return dict(sorted(sums.items()))
