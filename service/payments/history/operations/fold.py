"""Sums of groups of payments, and what follows from them. Pure; all amounts in minor units."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from service.payments.history.repository import Grouped
from service.payments.payments.states import CAME, PaymentStatus

MOST_PLANS: Final = 200
"""How many plans are told apart; a plan is any text that a server opens sessions with."""


class Sum(Struct, frozen=True):
    """How many there are, and how much money that is."""

    count: int
    amount: int


class Figures(Struct, frozen=True):
    """What some payments come to.

    `gross` is what succeeded, `refunded` how much of these payments went back, `fees` what their
    providers are known to have kept, of `fees_known` payments, and `net` what that leaves.
    `average` is the gross of a payment, rounded; `success_rate` is of those that succeeded or
    failed. Both are None where there are none.
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


class PlanFigures(Struct, frozen=True):
    """The figures of one plan; None: of payments without one."""

    plan: str | None
    plan_name: str | None
    figures: Figures


class Failures(Struct, frozen=True):
    """The payments that failed with one code of their provider's; None: it told none."""

    code: str | None
    count: int
    amount: int


def figures_of(rows: Iterable[Grouped]) -> Figures:
    """Return the figures of groups of one currency."""
    groups = list(rows)
    paid = [one for one in groups if one.status in CAME]
    succeeded, gross = sum(one.count for one in paid), sum(one.amount for one in paid)
    failed = sum(one.count for one in groups if one.status is PaymentStatus.FAILED)
    refunded, fees = sum(one.refunded for one in paid), sum(one.fees for one in paid)
    tried = succeeded + failed
    return Figures(
        succeeded=succeeded,
        failed=failed,
        gross=gross,
        refunded=refunded,
        fees=fees,
        fees_known=sum(one.fees_known for one in paid),
        net=gross - refunded - fees,
        # Half a minor unit is rounded up, as people do; `round` would take the even one.
        average=(2 * gross + succeeded) // (2 * succeeded) if succeeded else None,
        success_rate=round(succeeded / tried, 4) if tried else None,
    )


def by_plan(rows: Iterable[Grouped]) -> tuple[Sequence[PlanFigures], Figures | None]:
    """Return the figures of each plan, most gross first, and of all further ones together."""
    plans: dict[str | None, list[Grouped]] = defaultdict(list)
    for one in rows:
        plans[one.plan].append(one)
    each = [PlanFigures(plan, _name(of), figures_of(of)) for plan, of in plans.items()]
    each.sort(key=lambda one: (-one.figures.gross, one.plan or ""))
    rest = [row for one in each[MOST_PLANS:] for row in plans[one.plan]]
    return each[:MOST_PLANS], figures_of(rest) if rest else None


def failures_of(rows: Iterable[Grouped]) -> Sequence[Failures]:
    """Return the failed payments by code, the most frequent first."""
    sums: dict[str | None, Sum] = {}
    for one in rows:
        if one.status is PaymentStatus.FAILED:
            before = sums.get(one.code, Sum(0, 0))
            sums[one.code] = Sum(before.count + one.count, before.amount + one.amount)
    each = [Failures(code, of.count, of.amount) for code, of in sums.items()]
    return sorted(each, key=lambda one: (-one.count, one.code or ""))


def _name(rows: Iterable[Grouped]) -> str | None:
    return max((one.plan_name for one in rows if one.plan_name is not None), default=None)
