"""Figures as the page shows them: each chart's numbers stand in a table beside it. Pure."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from service.analytics.operations.figures import Change, figures_of, part_of
from service.analytics.operations.saying import sentence_of
from service.analytics.operations.services import Shown
from service.analytics.operations.unusual import Unusual
from service.analytics.schemas.back import failures_answer
from service.analytics.schemas.funnel import FunnelStep, funnel_answer
from service.analytics.schemas.now import dashboard_answer, day_lines
from service.analytics.states import Part, named
from service.core.money import exponent, to_major
from service.core.words import moment
from service.dashboard.figures.reading import DAYS, Seen
from service.dashboard.money import title_of
from service.providers.registry import REGISTRY

_PERIODS: Final = (("today", "Today"), ("this_week", "This week"), ("this_month", "This month"))
_OF_PAYMENTS: Final = frozenset({"success_rate", "average_value"})
"""What is a share or an average of payments, and so is none where there are none."""
_STEPS: Final = {
    "intents": "Left their interest",
    "sessions": "Opened a checkout",
    "attempted": "Went on to pay",
    "paid": "Paid",
    "kept": "Paid, and kept it",
}
_TIED: Final = "\N{NO-BREAK SPACE}"
"""A percent sign stands in the line of its number."""
_TALLEST: Final = 100
_MOST_UNUSUAL: Final = 10

Write = Callable[[int], str]


class Bar(Struct, frozen=True):
    """A row of a chart: what it is of, its numbers in words, and how long it is, in percent."""

    name: str
    values: list[str]
    length: float


class Column(Struct, frozen=True):
    """A day of a chart: its numbers in words, and where it stands, of 100 in height."""

    name: str
    values: list[str]
    at: int
    top: float
    height: float


class Page(Struct, frozen=True):
    """All that the page shows."""

    periods: list[tuple[str, list[tuple[str, str]]]]
    days: list[Column]
    providers: list[Bar]
    failures: list[Bar]
    funnel: list[Bar]
    leads: list[Bar]
    unusual: list[tuple[str, str]]


def page_of(shown: Shown, seen: Seen) -> Page:
    """Return what the page shows."""
    write = partial(to_major, places=exponent(shown.currency))
    funnel = funnel_answer(shown, DAYS, seen.buckets)
    return Page(
        periods=_periods(shown, seen, write),
        days=_days(shown, seen, write),
        providers=_providers(seen, write),
        failures=_failures(shown, seen),
        funnel=_steps(funnel.from_sessions),
        leads=_steps(funnel.from_intents),
        unusual=[_odd(one, shown.zone) for one in seen.unusual[:_MOST_UNUSUAL]],
    )


def _periods(shown: Shown, seen: Seen, write: Write) -> list[tuple[str, list[tuple[str, str]]]]:
    metrics = dashboard_answer(shown, seen.pairs).metrics
    money = partial(_money, write, shown.currency)
    rows: Sequence[tuple[str, str, Callable[[float], str]]] = (
        ("Revenue", "revenue", money),
        ("Net revenue", "net_revenue", money),
        ("Payments", "transactions", str),
        ("Success rate", "success_rate", _percent),
        ("Average payment", "average_value", money),
    )
    told = []
    for period, title in _PERIODS:
        payments = getattr(metrics.transactions, period)
        lines = []
        for name, of, say in rows:
            whose = payments if of in _OF_PAYMENTS else None
            lines.append((name, _said(getattr(getattr(metrics, of), period), say, whose)))
        told.append((title, lines))
    return told


def _said(change: Change, say: Callable[[float], str], of: Change | None) -> str:
    """Say what something is and was; a share or an average `of` no payments is none."""
    now, before = say(change.current), f"before {say(change.previous)}"
    if of is not None and not of.current:
        return f"no payments yet, {before}" if of.previous else "no payments"
    if of is not None and not of.previous:
        return f"{now}, no payments before"
    relative = change.change_percent if say is not _percent else None  # of a share it misleads
    percent = f" ({relative:+g}{_TIED}%)" if relative is not None else ""
    return f"{now}, {before}{percent}"


def _money(write: Write, currency: str, amount: float) -> str:
    return f"{write(int(amount))} {currency}"


def _percent(share: float) -> str:
    return f"{share:g}{_TIED}%"


def _days(shown: Shown, seen: Seen, write: Write) -> list[Column]:
    lines = day_lines(seen.buckets, seen.span, shown.zone)
    highest = max((one.revenue for one in lines), default=0)
    found = []
    for at, one in enumerate(lines):
        height = round(_TALLEST * one.revenue / highest, 1) if highest else 0.0
        values = [write(one.revenue), write(one.net_revenue), str(one.transaction_count)]
        found.append(Column(one.date.isoformat(), values, at, round(_TALLEST - height, 1), height))
    return found


def _providers(seen: Seen, write: Write) -> list[Bar]:
    of = {key: figures_of(counts) for key, counts in part_of(seen.buckets, Part.PROVIDER).items()}
    ranked = sorted(of.items(), key=lambda one: (-one[1].revenue, one[0]))
    longest = max((one.revenue for one in of.values()), default=0)
    return [
        Bar(
            title_of(key) if key in REGISTRY else named(key),
            [
                write(one.revenue),
                str(one.successful_count),
                _percent(one.success_rate),
            ],
            _share(one.revenue, longest),
        )
        for key, one in ranked
        if one.transaction_count
    ]


def _failures(shown: Shown, seen: Seen) -> list[Bar]:
    reasons = failures_answer(shown, DAYS, seen.buckets).analysis.common_reasons
    longest = max((one.count for one in reasons), default=0)
    return [
        Bar(one.reason, [str(one.count), _percent(one.percentage)], _share(one.count, longest))
        for one in reasons
    ]


def _steps(steps: Sequence[FunnelStep]) -> list[Bar]:
    if not steps or not steps[0].count:
        return []
    return [
        Bar(_STEPS[one.step], [str(one.count), _percent(one.of_first)], one.of_first)
        for one in steps
    ]


def _odd(found: Unusual, zone: ZoneInfo) -> tuple[str, str]:
    return f"{found.at.astimezone(zone):%Y-%m-%d %H:%M}", sentence_of(found, zone)


def _share(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def as_of(shown: Shown) -> str:
    """Return up to when everything is counted."""
    return moment(shown.as_of)
