"""What goes over the wire about the figures of a time."""

from datetime import datetime

from msgspec import Struct

from service.core.views import view_of
from service.payments.history.operations.analytics import Analytics


class SumLine(Struct, frozen=True, rename="camel"):
    """How many there are, and how much money that is."""

    count: int
    amount: int


class FiguresLine(Struct, frozen=True, rename="camel", kw_only=True):
    """What some payments come to.

    `gross` is what succeeded, `refunded` how much of these went back, `fees` what the providers are
    known to have kept, of `feesKnown` payments, `net` what that leaves. `average` is rounded,
    `successRate` is of those that succeeded or failed; both are null where there are none.
    """

    succeeded: int
    failed: int
    gross: int
    refunded: int
    fees: int
    fees_known: int
    net: int
    average: int | None
    success_rate: float | None


class DayLine(Struct, frozen=True, rename="camel"):
    """The payments that were first heard of on a day, and what was refunded and disputed on it."""

    day: str
    figures: FiguresLine
    refunds: SumLine
    disputes: SumLine


class PlanLine(Struct, frozen=True, rename="camel"):
    """The payments for a plan; null: for none."""

    plan: str | None
    plan_name: str | None
    figures: FiguresLine


class FailureLine(Struct, frozen=True, rename="camel"):
    """The payments that failed with a code of their provider's; null: it named none."""

    code: str | None
    count: int
    amount: int


class TriesLine(Struct, frozen=True, rename="camel"):
    """How many payments succeeded with the try of this number."""

    attempts: int
    payments: int


class TriesUntilSuccess(Struct, frozen=True, rename="camel"):
    """How many tries payments took until they succeeded: on average, and each number of tries."""

    average: float | None
    counts: list[TriesLine]


_NAMES = {
    "since": "from",
    "until": "to",
    "by_day": "byDay",
    "by_plan": "byPlan",
    "other_plans": "otherPlans",
    "attempts_until_success": "attemptsUntilSuccess",
}


class AnalyticsAnswer(Struct, frozen=True, rename=_NAMES, kw_only=True):
    """The figures of a time in one currency; amounts in its minor units.

    `currencies` are all that there is something in: `currency` asks for another. Days begin in
    `zone`. `refunds` and `disputes` are those made in this time, by their state. `otherPlans` are
    all plans beyond the 200 with the most gross.
    """

    currency: str
    currencies: list[str]
    zone: str
    since: datetime
    until: datetime
    total: FiguresLine
    by_day: list[DayLine]
    by_plan: list[PlanLine]
    other_plans: FiguresLine | None
    failures: list[FailureLine]
    refunds: dict[str, SumLine]
    disputes: dict[str, SumLine]
    attempts_until_success: TriesUntilSuccess


def analytics_answer(found: Analytics) -> AnalyticsAnswer:
    """Show the figures of a time."""
    within = found.within
    counts = [TriesLine(one.tries, one.payments) for one in found.tries]
    return view_of(
        AnalyticsAnswer,
        found,
        zone=within.zone,
        since=within.since,
        until=within.until,
        refunds=found.refund_states,
        disputes=found.dispute_states,
        attempts_until_success=TriesUntilSuccess(found.tries_until_success, counts),
    )
