"""Add up what a time came to in each currency, as messages say it."""

from collections.abc import Sequence

from service.analytics.operations.figures import figures_of, grouped, percent, total_of
from service.analytics.operations.folding import Bucket
from service.analytics.operations.reading import Asked, read_within
from service.analytics.repository.facts import Span
from service.analytics.states import Grain
from service.core.strict_json import JsonObject, JsonValue
from service.merchants.documents import Merchant
from service.storage.transaction import Transaction


async def sums_by_currency(merchant: Merchant, span: Span, tx: Transaction) -> list[JsonValue]:
    """Return a row for each currency with anything in it. Raises `Unavailable`."""
    asked = Asked(merchant.id, [span], grain=Grain.DAY, zone=merchant.zone)
    [buckets] = (await read_within(asked, tx)).buckets
    by_currency = sorted(grouped(buckets, lambda one: one.currency).items())
    sums = [(currency, _sums(found)) for currency, found in by_currency]
    return [{"currency": currency, **said} for currency, said in sums if any(said.values())]


def _sums(buckets: Sequence[Bucket]) -> JsonObject:
    total = total_of(buckets)
    figures = figures_of(total)
    opened, completed = total["session"], total["session:completed"]
    return {
        "revenue": figures.revenue,
        "refunded": figures.refunded,
        "lost": figures.lost,
        "netRevenue": figures.net_revenue,
        "transactions": figures.transaction_count,
        "successful": figures.successful_count,
        "failed": figures.failed_count,
        "sessions": opened,
        "completed": completed,
        "conversionRate": percent(completed, opened),
    }
