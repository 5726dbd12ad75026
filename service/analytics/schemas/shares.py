"""What goes over the wire about who and what brought in how much."""

from collections.abc import Sequence

from msgspec import Struct

from service.analytics.operations.figures import part_of, percent, total_of
from service.analytics.operations.folding import Bucket
from service.analytics.operations.paying import Customers
from service.analytics.operations.services import Shown
from service.analytics.schemas.common import FiguresAnswer, PeriodLine
from service.analytics.states import Part, named
from service.core.views import view_of

Buckets = Sequence[Bucket]


class Shares(Struct, frozen=True, rename="camel", kw_only=True):
    """How much something brought in, and which share that is, in percent."""

    revenue: int
    count: int
    percentage: float
    count_percentage: float
    revenue_percentage: float


class ResourceLine(Shares, frozen=True, rename="camel", kw_only=True):
    """One plan, pass or event. `percentage` is that of the count; `url` is what it is called."""

    url: str
    resource: str


class Total(Struct, frozen=True):
    """All successful payments."""

    revenue: int
    count: int


class ResourcesAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """What brought in most."""

    resources: list[ResourceLine]
    total: Total
    period: PeriodLine


def resources_answer(
    shown: Shown, period: PeriodLine, buckets: Buckets, sort_by: str, limit: int
) -> ResourcesAnswer:
    """Show what brought in most, by revenue or by count."""
    return view_of(
        ResourcesAnswer,
        shown,
        resources=resource_lines(buckets, sort_by)[:limit],
        total=_total(buckets),
        period=period,
    )


def resource_lines(buckets: Buckets, sort_by: str) -> list[ResourceLine]:
    """Return what brought in something, that with the most first."""
    lines = [
        view_of(ResourceLine, shares, url=named(item), resource=named(item))
        for item, shares in _shares(buckets, Part.ITEM)
    ]
    if sort_by == "count":
        return sorted(lines, key=lambda one: (-one.count, -one.revenue, one.url))
    return sorted(lines, key=lambda one: (-one.revenue, -one.count, one.url))


def _total(buckets: Buckets) -> Total:
    total = total_of(buckets)
    return Total(total["gross"], total["paid"])


def _shares(buckets: Buckets, part: Part) -> list[tuple[str, Shares]]:
    total = _total(buckets)
    return [
        (
            key,
            Shares(
                revenue=counts["gross"],
                count=counts["paid"],
                percentage=percent(counts["paid"], total.count),
                count_percentage=percent(counts["paid"], total.count),
                revenue_percentage=percent(counts["gross"], total.revenue),
            ),
        )
        for key, counts in part_of(buckets, part).items()
        if counts["paid"]
    ]


class MethodLine(Shares, frozen=True, rename="camel", kw_only=True):
    """One provider. `percentage` is that of the count."""

    type: str
    method: str
    provider: str


class MethodsAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """Payments by provider."""

    payment_methods: list[MethodLine]
    total: Total
    period: PeriodLine


def methods_answer(shown: Shown, period: PeriodLine, buckets: Buckets) -> MethodsAnswer:
    """Show payments by provider, the one with the most revenue first."""
    lines = [
        view_of(MethodLine, shares, type=named(key), method=named(key), provider=named(key))
        for key, shares in _shares(buckets, Part.PROVIDER)
    ]
    lines.sort(key=lambda one: (-one.revenue, -one.count, one.type))
    return view_of(
        MethodsAnswer, shown, payment_methods=lines, total=_total(buckets), period=period
    )


class CustomerLine(Struct, frozen=True, rename="camel", kw_only=True):
    """One user, by what they paid; `address` is the same id, by its older name."""

    user_id: str
    address: str
    revenue: int
    transaction_count: int


class CustomersLine(Struct, frozen=True, rename="camel", kw_only=True):
    """Who paid in a period: `new` once in it, `returning` more than once."""

    total: int
    new: int
    returning: int
    returning_rate: float
    top_customers: list[CustomerLine]


class CustomersAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """Who paid in a period."""

    customers: CustomersLine
    period: PeriodLine


def customers_answer(shown: Shown, period: PeriodLine, found: Customers) -> CustomersAnswer:
    """Show who paid."""
    top = [
        CustomerLine(
            user_id=one.user_id, address=one.user_id, revenue=one.amount, transaction_count=one.n
        )
        for one in found.top
    ]
    line = CustomersLine(
        total=found.total,
        new=found.total - found.returning,
        returning=found.returning,
        returning_rate=percent(found.returning, found.total),
        top_customers=top,
    )
    return view_of(CustomersAnswer, shown, customers=line, period=period)
