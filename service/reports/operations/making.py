"""Make the report of a month as it will be kept."""

from datetime import datetime

from msgspec.structs import replace

from service.analytics.operations.reading import Asked, read_within
from service.analytics.operations.services import Shown
from service.reports.operations.adjusting import adjustments_of
from service.reports.operations.building import report_of
from service.reports.operations.due import Due
from service.reports.operations.reading import PARTS, Month
from service.reports.states import MonthlyReport, first_of
from service.storage.transaction import Transaction


async def read_due(due: Due, tx: Transaction) -> Month:
    """Return what happened in the month that is closed. Raises `Unavailable`."""
    found = await read_within(Asked(due.merchant.id, [due.span], due.currency, PARTS), tx)
    return Month(first_of(due.month), due.span, found.buckets[0])


async def closed_report(due: Due, month: Month, now: datetime, tx: Transaction) -> MonthlyReport:
    """Return the report of a month that is closed now, with what changed of earlier ones.

    Raises `Unavailable`.
    """
    shown = Shown(due.merchant, due.merchant.zone, due.currency, is_named=False, as_of=now)
    made = report_of(shown, month)
    adjustments = await adjustments_of(due, tx)
    return replace(made, closed=True, closed_at=now, adjustments=adjustments)
