"""What buckets come to: sums, rates, percentiles, payers. Pure; money is in minor units."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final, Literal, TypeAlias, TypeVar

from msgspec import Struct

from service.analytics.operations.folding import Bucket, add
from service.analytics.operations.payers import estimate_of
from service.analytics.states import Counts, Part, middle_of

Direction: TypeAlias = Literal["up", "down", "flat"]
K = TypeVar("K")
_HUNDRED: Final = 100


class Figures(Struct, frozen=True):
    """What some counts come to.

    `revenue` is what was paid, and what was refunded and lost was so in the same time. Rates are
    percent with two decimals, of what succeeded or failed; averages are rounded to minor units.
    Both are 0 where there is nothing.
    """

    transaction_count: int
    successful_count: int
    failed_count: int
    revenue: int
    refunded: int
    lost: int

    @property
    def net_revenue(self) -> int:
        """Return the revenue less what went back and what was lost."""
        return self.revenue - self.refunded - self.lost

    @property
    def success_rate(self) -> float:
        """Return how many of those that ended succeeded, in percent."""
        return percent(self.successful_count, self.successful_count + self.failed_count)

    @property
    def average_value(self) -> int:
        """Return the revenue of a successful payment, rounded half to even."""
        return rounded(self.revenue, self.successful_count)


class Latency(Struct, frozen=True):
    """How long completed sessions took, in milliseconds; percentiles are at most 1 % off."""

    average: int
    median: int
    p95: int
    p99: int


class Change(Struct, frozen=True, rename="camel"):
    """A number and what it was before; `changePercent` is null where nothing was before."""

    current: int | float
    previous: int | float
    change: int | float
    change_percent: float | None
    direction: Direction


def figures_of(counts: Counts) -> Figures:
    """Return what some counts come to."""
    return Figures(
        transaction_count=counts.get("payment", 0),
        successful_count=counts.get("paid", 0),
        failed_count=counts.get("failed", 0),
        revenue=counts.get("gross", 0),
        refunded=counts.get("refunded", 0),
        lost=counts.get("lost", 0),
    )


def total_of(buckets: Iterable[Bucket]) -> Counter[str]:
    """Add up the counts of buckets of one currency."""
    total: dict[str, int] = {}
    for one in buckets:
        add(total, one.totals)
    return Counter(total)


def total_by(buckets: Iterable[Bucket], key: Callable[[Bucket], K]) -> dict[K, Counter[str]]:
    """Add up the counts of buckets by what `key` says of each."""
    totals: dict[K, dict[str, int]] = defaultdict(dict)
    for one in buckets:
        add(totals[key(one)], one.totals)
    return {of: Counter(total) for of, total in totals.items()}


def grouped(buckets: Iterable[Bucket], key: Callable[[Bucket], K]) -> dict[K, list[Bucket]]:
    """Return buckets by what `key` says of each."""
    groups: dict[K, list[Bucket]] = defaultdict(list)
    for one in buckets:
        groups[key(one)].append(one)
    return groups


def part_of(buckets: Iterable[Bucket], part: Part) -> dict[str, Counter[str]]:
    """Add up the counts of buckets by provider, item, country or code."""
    totals: dict[str, dict[str, int]] = defaultdict(dict)
    for one in buckets:
        for key, counts in one.parts.get(part, {}).items():
            add(totals[key], counts)
    return {key: Counter(total) for key, total in totals.items()}


def payers_of(buckets: Iterable[Bucket]) -> int:
    """Return how many distinct users paid."""
    sketches = [one.payers for one in buckets if one.payers is not None]
    return estimate_of(sketches) if sketches else 0


def latency_of(buckets: Sequence[Bucket]) -> Latency:
    """Return how long completed sessions took."""
    slots: Counter[int] = Counter()
    for one in buckets:
        add(slots, one.slots)
    total = total_of(buckets)
    return Latency(
        rounded(total["tookMs:completed"], total["took:completed"]),
        *(percentile(slots, share) for share in (50, 95, 99)),
    )


def percentile(slots: Mapping[int, int], share: int) -> int:
    """Return below which duration a share of all falls, in percent: the nearest rank."""
    count = sum(slots.values())
    if not count:
        return 0
    rank, passed = -(-count * share // _HUNDRED), 0
    for slot in sorted(slots):
        passed += slots[slot]
        if passed >= rank:
            return middle_of(slot)
    raise AssertionError("no rank is beyond the last")


def percent(part: int, whole: int) -> float:
    """Return a share in percent with two decimals, half to even; 0 of nothing."""
    return float(round(Fraction(_HUNDRED * part, whole), 2)) if whole else 0.0


def rounded(amount: int, count: int) -> int:
    """Return an average to the unit, half to even; 0 of nothing."""
    return round(Fraction(amount, count)) if count else 0


def rounded_to_hundredths(amount: int, count: int) -> float:
    """Return an average with two decimals, half to even; 0 of nothing."""
    return float(round(Fraction(amount, count), 2)) if count else 0.0


def trend_of(current: float, previous: float) -> Change:
    """Compare two numbers."""
    now, before = Fraction(str(current)), Fraction(str(previous))
    change = now - before
    direction: Direction = "flat" if not change else "up" if change > 0 else "down"
    relative = float(round(_HUNDRED * change / before, 2)) if before > 0 else None
    whole = isinstance(current, int) and isinstance(previous, int)
    shown = int(change) if whole else float(change)
    return Change(current, previous, shown, relative, direction)
