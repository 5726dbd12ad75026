"""The figures of a merchant's leads, in one currency: what was asked for, and what became of it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Final

from msgspec import Struct

from service.intents import repository
from service.intents.errors import TooMuch
from service.intents.operations.services import IntentServices
from service.intents.operations.trends import Trends, trends_of
from service.intents.repository import (
    AgentSum,
    AmountBucket,
    IntentFilter,
    JourneySum,
    PlanSum,
    QuarterSum,
)
from service.intents.states import Period
from service.storage.answering import answers_in_time

LARGEST: Final = 200_000
"""How many leads are added up for one answer: some seconds of the database's time."""
LONGEST_DAYS: Final = 400
SHOWN: Final = 20
"""How many kinds of user agents and plans are told one by one."""

_WITHIN_S = 20.0


class Asked(Struct, frozen=True):
    """How many leads there are, and what those of a currency ask for, in minor units."""

    intents: int
    journeys: int
    currency: str
    currencies: Sequence[str]
    priced: int
    amount: int

    @property
    def average(self) -> int | None:
        """Return the average amount, rounded; None without any."""
        return round(self.amount / self.priced) if self.priced else None


class Steps(Struct, frozen=True):
    """How far leads came: each counts once, by the session of its that came farthest."""

    intents: int = 0
    sessions: int = 0
    attempted: int = 0
    paid: int = 0


class PlanFigures(Struct, frozen=True):
    """The leads of a plan, what they ask for, and how far they came."""

    plan_name: str
    amount: int
    steps: Steps


class Analytics(Struct, frozen=True, kw_only=True):
    """All figures of a time. `agents` are the most frequent ones; `unparsed` not looked at yet."""

    period: Period
    asked: Asked
    distribution: Sequence[AmountBucket]
    trends: Trends
    agents: Mapping[str, Mapping[str, int]]
    unparsed: int
    journeys: Sequence[JourneySum]
    funnel: Steps
    plans: Sequence[PlanFigures]


async def sum_up(
    wanted: IntentFilter, currency: str | None, services: IntentServices
) -> tuple[Asked, Sequence[QuarterSum], Sequence[JourneySum]]:
    """Return what leads ask for, with what it was made of. Raises `TooMuch`, `Unavailable`."""
    own = currency or await services.currency_of(wanted.merchant_id)
    async with answers_in_time(_WITHIN_S):
        if await repository.count(wanted, LARGEST + 1) > LARGEST:
            message = f"takes in more than {LARGEST} leads: ask for fewer days, or filter more"
            raise TooMuch("daysBack", message)
        quarters = await repository.sum_by_quarter(wanted)
        journeys = await repository.sum_by_journey(wanted)
    priced = [one for one in quarters if one.currency == own]
    asked = Asked(
        intents=sum(one.count for one in quarters),
        journeys=sum(one.count for one in journeys),
        currency=own,
        currencies=sorted({one.currency for one in quarters}),
        priced=sum(one.count for one in priced),
        amount=sum(one.amount for one in priced),
    )
    return asked, quarters, journeys


async def analyze(
    wanted: IntentFilter, zone: str, currency: str | None, services: IntentServices
) -> Analytics:
    """Add up leads. Raises `TooMuch` for too many or too long a time, and `Unavailable`."""
    if (wanted.until - wanted.since).days > LONGEST_DAYS:
        raise TooMuch("daysBack", f"takes in more than {LONGEST_DAYS} days: ask for fewer")
    asked, quarters, journeys = await sum_up(wanted, currency, services)
    async with answers_in_time(_WITHIN_S):
        plans = await repository.sum_by_plan(wanted)
        agents = await repository.sum_by_agent(wanted)
        distribution = await repository.sum_by_amount(wanted, asked.currency)
    followed = await _followed(wanted, services)
    period = Period(wanted.since, wanted.until, zone)
    return Analytics(
        period=period,
        asked=asked,
        distribution=distribution,
        trends=trends_of(quarters, asked.currency, period),
        agents={name: _most(agents, name) for name in ("browser", "os", "device")},
        unparsed=sum(one.count for one in agents if one.browser is None),
        journeys=sorted(journeys, key=lambda one: one.leads),
        funnel=_steps(asked.intents, followed.values()),
        plans=_plans(plans, asked.currency, followed),
    )


async def _followed(wanted: IntentFilter, services: IntentServices) -> Mapping[str, Counter[str]]:
    """Return how far the leads of each plan came."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    async with aclosing(repository.followed(wanted)) as lists:
        async for leads in lists:
            async with answers_in_time(_WITHIN_S):
                ids = {one for _, sessions in leads for one in sessions}
                known = await services.find_followed(wanted.merchant_id, ids)
            for plan, sessions in leads:
                reached = [known[one] for one in sessions if one in known]
                # A session that was purged since was opened all the same.
                found[plan]["sessions"] += 1
                found[plan]["attempted"] += any(one.attempted for one in reached)
                found[plan]["paid"] += any(one.paid for one in reached)
    return found


def _steps(intents: int, reached: Iterable[Counter[str]]) -> Steps:
    all_of: Counter[str] = Counter()
    for one in reached:
        all_of.update(one)
    return Steps(intents, all_of["sessions"], all_of["attempted"], all_of["paid"])


def _plans(
    sums: Sequence[PlanSum], currency: str, followed: Mapping[str, Counter[str]]
) -> list[PlanFigures]:
    counts: Counter[str] = Counter()
    amounts: Counter[str] = Counter()
    for one in sums:
        counts[one.plan_name] += one.count
        amounts[one.plan_name] += one.amount if one.currency == currency else 0
    return [
        PlanFigures(plan, amounts[plan], _steps(count, [followed.get(plan, Counter())]))
        for plan, count in counts.most_common(SHOWN)
    ]


def _most(agents: Sequence[AgentSum], name: str) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    for one in agents:
        if (told := getattr(one, name)) is not None:
            counts[told] += one.count
    return dict(counts.most_common(SHOWN))
