"""What all answers about figures have in common."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from service.analytics.operations.figures import Change, Figures, trend_of
from service.storage.database import Row


class FiguresAnswer(Struct, frozen=True, rename="camel", kw_only=True):
    """As what figures are shown. Money is in minor units of `currency`, days begin in `timezone`.

    `asOf` is the moment up to which everything is counted.
    """

    success: bool = True
    currency: str
    timezone: str
    as_of: datetime


class PaymentLine(Struct, frozen=True, rename="camel", kw_only=True):
    """One payment; `amount` in minor units."""

    id: str
    session_id: str | None
    amount: int
    currency: str
    status: str
    provider: str
    item: str | None
    created_at: datetime


def payment_lines(rows: Iterable[Row]) -> list[PaymentLine]:
    """Show payments."""
    return [
        PaymentLine(
            id=str(row["_id"]),
            session_id=row.get("sessionId"),
            amount=row["amount"],
            currency=row["currency"],
            status=row["status"],
            provider=row["provider"],
            item=row["item"],
            created_at=row["createdAt"],
        )
        for row in rows
    ]


class Totals(Struct, frozen=True, rename="camel", kw_only=True):
    """What payments of a time come to.

    `revenue` is what was paid in it, `refunded` and `lost` (to disputes) what went back in it, and
    `netRevenue` the difference. `successRate` is percent of those that succeeded or failed.
    """

    revenue: int
    refunded: int
    lost: int
    net_revenue: int
    transaction_count: int
    successful_count: int
    failed_count: int
    success_rate: float
    average_value: int


class Trends(Struct, frozen=True, rename="camel", kw_only=True):
    """What is compared of two times."""

    revenue: Change
    net_revenue: Change
    transactions: Change
    success_rate: Change
    average_value: Change


def trends_of(current: Figures, previous: Figures) -> Trends:
    """Compare two times."""
    return Trends(
        revenue=trend_of(current.revenue, previous.revenue),
        net_revenue=trend_of(current.net_revenue, previous.net_revenue),
        transactions=trend_of(current.transaction_count, previous.transaction_count),
        success_rate=trend_of(current.success_rate, previous.success_rate),
        average_value=trend_of(current.average_value, previous.average_value),
    )


class PeriodLine(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The time of an answer, its end excluded."""

    start_date: datetime
    end_date: datetime
    type: str | None = None
    interval: str | None = None
