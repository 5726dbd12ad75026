"""Close a month: hold it against its entries, and keep its report for good, in one transaction."""

from functools import partial
from typing import Final

from msgspec import Struct

from service.audit.operations import Actor
from service.core.batches import Until
from service.core.clock import Clock
from service.core.errors import Unavailable
from service.leases.operations import under
from service.leases.repository import Held
from service.merchants.documents import Merchant
from service.reports.documents import ClosedReport
from service.reports.operations.ahead import Ahead
from service.reports.operations.due import Due, next_month
from service.reports.operations.holding import hold_ahead
from service.reports.operations.keeping import keep
from service.reports.operations.making import closed_report, read_due
from service.reports.operations.reconciling import altered, disagreement
from service.reports.operations.refusing import refuse
from service.storage.transaction import Transaction

WITHIN_S: Final = 45.0
_UNANSWERED: Final = (
    "It was not closed within the {} s that one transaction may take: {} The job `reports` tries "
    "again each hour. All that has to be read in that time is what was written meanwhile: so the "
    "database is too busy, or very much of the month was written at once."
)


class Closing(Struct, frozen=True):
    """Who closes, under which lease, and what is wrong with the merchant's books, if any is."""

    by: Actor
    clock: Clock
    until: Until
    lease: Held | None = None
    wrong: str | None = None


class Outcome(Struct, frozen=True):
    """What came of the next month: its report, or why it can't be closed; neither: none is due.

    `ahead`: time was up before all of it was held against its entries; the next run goes on there.
    """

    report: ClosedReport | None = None
    refused: str | None = None
    ahead: Ahead | None = None


async def close_next(
    merchant: Merchant, currency: str, closing: Closing, known: Ahead | None = None
) -> Outcome:
    """Close the next month of a merchant in a currency, if it is due; or keep why it can't be.

    Its rows are held against their entries ahead. All that the report is made of, what was written
    since, itself, its audit entry and its message are one transaction: it is as of one moment,
    whoever does the same at once closes it once, and whoever is stopped has done all of it or
    nothing. A month that can't be closed in time is refused, too: else nobody would hear that it
    is never closed. `known` is what a run before has done ahead. Raises `Unavailable`, `LeaseLost`.
    """
    refused = partial(_refuse_due, merchant, currency, closing)
    try:
        if closing.wrong is not None:
            return await under(closing.lease, partial(refused, closing.wrong))
        due = await under(None, partial(_due, merchant, currency, closing))
        if due is None:
            return Outcome()
        ahead = await hold_ahead(due, known, closing.until)
        if ahead.reached is not None:
            return Outcome(ahead=ahead)
        return await under(closing.lease, partial(_close, due, ahead, closing), WITHIN_S)
    except Unavailable as error:
        reason = _UNANSWERED.format(f"{WITHIN_S:g}", error.message)
        return await under(closing.lease, partial(refused, reason))


async def _due(merchant: Merchant, currency: str, closing: Closing, tx: Transaction) -> Due | None:
    due = await next_month(merchant, currency, tx)
    return due if due is not None and closing.clock.now() >= due.closes_at else None


async def _close(due: Due, ahead: Ahead, closing: Closing, tx: Transaction) -> Outcome:
    now = closing.clock.now()
    if await next_month(due.merchant, due.currency, tx) != due:
        return Outcome()  # somebody else has closed it
    wrong = await altered(due, tx)
    if wrong is not None:
        return Outcome(refused=await refuse(due, wrong, now, tx))
    month = await read_due(due, tx)
    differs = await disagreement(due, month.buckets, ahead, tx)
    if differs is not None:
        return Outcome(refused=await refuse(due, differs, now, tx))
    report = await closed_report(due, month, now, tx)
    return Outcome(report=await keep(due, report, now, closing.by, tx))


async def _refuse_due(
    merchant: Merchant, currency: str, closing: Closing, reason: str, tx: Transaction
) -> Outcome:
    due = await _due(merchant, currency, closing, tx)
    if due is None:
        return Outcome()
    return Outcome(refused=await refuse(due, reason, closing.clock.now(), tx))
