"""Close a month: reconcile it, and keep its report for good, in one transaction."""

from datetime import datetime
from functools import partial
from typing import Final

from msgspec import Struct

from service.audit.operations import Actor
from service.core.clock import Clock
from service.core.errors import Unavailable
from service.leases.operations import under
from service.leases.repository import Held
from service.merchants.documents import Merchant
from service.reports import repository
from service.reports.documents import ClosedReport, Refusal
from service.reports.operations.due import Due, next_month
from service.reports.operations.keeping import keep
from service.reports.operations.making import closed_report
from service.reports.operations.reconciling import altered, disagreement
from service.storage.database import ANSWER_WITHIN_S
from service.storage.transaction import Transaction

WITHIN_S: Final = 45.0


class Closing(Struct, frozen=True):
    """Who closes, under which lease, and what is wrong with the merchant's books, if any is."""

    by: Actor
    clock: Clock
    lease: Held | None = None
    wrong: str | None = None


class Outcome(Struct, frozen=True):
    """What came of the next month: its report, or why it can't be closed; neither: none is due."""

    report: ClosedReport | None = None
    refused: str | None = None


async def close_next(merchant: Merchant, currency: str, closing: Closing) -> Outcome:
    """Close the next month of a merchant in a currency, if it is due; or keep why it can't be.

    All that a report is made of, what it is held against, itself, its audit entry and its message
    are one transaction: it is as of one moment, whoever does the same at once closes it once, and
    whoever is stopped has done all of it or nothing. A month that has more than one transaction
    can hold against its entries is refused, too: else nobody would hear that it is never closed.
    Raises `Unavailable`, `LeaseLost`.
    """
    try:
        return await under(closing.lease, partial(_close, merchant, currency, closing), WITHIN_S)
    except Unavailable as error:
        unanswered = partial(_refuse_unanswered, merchant, currency, closing, error.message)
        return await under(closing.lease, unanswered, ANSWER_WITHIN_S)


async def _close(merchant: Merchant, currency: str, closing: Closing, tx: Transaction) -> Outcome:
    now = closing.clock.now()
    due = await next_month(merchant, currency, tx)
    if due is None or now < due.closes_at:
        return Outcome()
    wrong = closing.wrong or await altered(due, tx)
    if wrong is not None:
        return await _refuse(due, wrong, now, tx)
    report = await closed_report(due, now, tx)
    differs = await disagreement(due, report.summary, tx)
    if differs is not None:
        return await _refuse(due, differs, now, tx)
    return Outcome(report=await keep(due, report, now, closing.by, tx))


async def _refuse_unanswered(
    merchant: Merchant, currency: str, closing: Closing, why: str, tx: Transaction
) -> Outcome:
    now = closing.clock.now()
    due = await next_month(merchant, currency, tx)
    if due is None or now < due.closes_at:
        return Outcome()
    reason = (
        f"It was not closed within the {WITHIN_S:g} s that one transaction may take: {why} The job "
        "`reports` tries again each hour; a month of several hundred thousand payments may need a "
        "quicker database."
    )
    return await _refuse(due, reason, now, tx)


async def _refuse(due: Due, reason: str, now: datetime, tx: Transaction) -> Outcome:
    refusal = Refusal(
        id=due.report_id,
        merchant_id=due.merchant.id,
        currency=due.currency,
        month=due.month,
        reason=reason,
        since=now,
        seen_at=now,
    )
    await repository.refuse(refusal, tx)
    return Outcome(refused=reason)
