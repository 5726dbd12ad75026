"""Tell of weeks and close months of all merchants, as a job: each once."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

import structlog
from msgspec import Struct

from service.analytics.repository import facts
from service.bookkeeping.operations.check import Books, check_ledger
from service.core.clock import Clock
from service.core.errors import Unavailable
from service.core.strict_json import JsonObject
from service.jobs.operations.job import Report, Turn
from service.merchants.errors import MerchantNotFound
from service.merchants.operations.changing import find_merchant
from service.reports.operations.ahead import Ahead, read, written
from service.reports.operations.closing import Closing, close_next
from service.reports.operations.due import Due, next_month
from service.reports.operations.ending import tell_weeks
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION

_WITHIN_S: Final = 20.0

log = structlog.get_logger(__name__)


class ClosingReport(Report):
    """How many weeks were told of and reports closed, and of whom none can be.

    `refused` counts merchants and currencies, `unknown` merchants of which nobody could tell.
    """

    changes = frozenset({"weeks", "closed"})

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.weeks = 0
        self.due = 0
        self.closed = 0
        self.refused = 0
        self.unknown = 0


class Clockwork(Struct, frozen=True):
    """Who closes a report where no person does."""

    merchant_id: str
    label: str = "clock"
    client: str | None = None


async def report_due(clock: Clock, report: ClosingReport, turn: Turn) -> None:
    """Tell of the weeks that are over, and close the months that are due. Raises `LeaseLost`."""
    report.weeks, report.unknown = await tell_weeks(clock, turn)
    await close_due(clock, report, turn)


async def close_due(clock: Clock, report: ClosingReport, turn: Turn) -> None:
    """Close all months that are due. A dry run, which has no lease, counts in which currencies.

    One merchant whose figures can't be read holds up no other. A run that can't come to the end of
    somebody's books, or of a month, keeps where it was, and the next one goes on there. Raises
    `LeaseLost`.
    """
    reached = turn.reached or {}
    async with answers_in_time(_WITHIN_S):
        currencies = {one.id: one.currencies for one in await facts.states()}
    begins = str(reached.get("merchant", ""))
    merchants = sorted(one for one in currencies if one >= begins)
    for one, following in zip_longest(merchants, merchants[1:]):
        point = reached if one == begins else {}
        try:
            left = await _close_merchant(one, currencies[one], point, clock, report, turn)
        except (Unavailable, OverflowError) as error:  # also of sums beyond 64 bits
            log.warning("reports can not be closed", merchant=one, reason=str(error))
            report.unknown += 1
            left = None
        if turn.until.over and left is None and following is not None:
            left = {"merchant": following}
        if left is not None:
            await turn.keep(left)
            return
    await turn.keep(None)


async def _close_merchant(
    merchant_id: str,
    currencies: Sequence[str],
    reached: JsonObject,
    clock: Clock,
    report: ClosingReport,
    turn: Turn,
) -> JsonObject | None:
    """Close what is due of a merchant; return where the next run is to go on with it, if at all."""
    due = await _due(merchant_id, currencies, clock)
    report.due += len(due)
    if not due or turn.lease is None:
        return None
    books = await _checked(merchant_id, reached, turn)
    if isinstance(books, dict):
        return books
    closing = Closing(Clockwork(merchant_id), clock, turn.until, turn.lease, books.wrong)
    known = read(reached.get("ahead"))
    for one in sorted(due, key=lambda one: known is None or not known.is_of(one)):
        ahead = await _close_all(one, closing, known, report)
        if ahead is not None:
            return {"merchant": merchant_id, "ahead": written(ahead)}
    return None


async def _due(merchant_id: str, currencies: Sequence[str], clock: Clock) -> list[Due]:
    """Return what is due of a merchant: the next month of each of its currencies."""
    now = clock.now()
    try:
        merchant = await find_merchant(merchant_id, now)
    except MerchantNotFound:
        return []
    async with answers_in_time(_WITHIN_S):
        found = [await next_month(merchant, currency, NO_TRANSACTION) for currency in currencies]
    return [one for one in found if one is not None and one.closes_at <= now]


class _Checked(Struct, frozen=True):
    """What a check of a merchant's books found wrong, None if they are right."""

    wrong: str | None


async def _checked(merchant_id: str, reached: JsonObject, turn: Turn) -> _Checked | JsonObject:
    """Check a merchant's books; return where to go on if time was up before their end."""
    if "ahead" in reached:  # they were right, or no month would have been read
        return _Checked(None)
    after, wrong = reached.get("after"), reached.get("wrong")
    books = await check_ledger(turn.until, str(after) if after else None, merchant_id)
    wrong = str(wrong) if wrong else _wrong(books)
    if books.whole:
        return _Checked(wrong)
    return {"merchant": merchant_id, "after": books.reached, "wrong": wrong}


def _wrong(books: Books) -> str | None:
    if not books.count:
        return None
    first = books.faults[0]
    return (
        f"The books don't balance: {first.about}: {first.what}. `tillgate ledger check` tells of "
        f"{'it' if books.count == 1 else f'all {books.count} faults'}."
    )


async def _close_all(
    due: Due, closing: Closing, known: Ahead | None, report: ClosingReport
) -> Ahead | None:
    """Close month after month, at least one, until none is due, one can't be, or time is up.

    Return how far one was held against its entries for which time was too short.
    """
    while True:
        outcome = await close_next(due.merchant, due.currency, closing, known)
        if outcome.refused is not None:
            report.refused += 1
            named = {"merchant": due.merchant.id, "currency": due.currency}
            log.warning("report can not be closed", reason=outcome.refused, **named)
        if outcome.report is None:
            return outcome.ahead
        report.closed += 1
        if closing.until.over:
            return None
