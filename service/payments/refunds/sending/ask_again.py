"""Ask about refunds that nobody reports: an event may be lost, and so may a message."""

from datetime import timedelta

import structlog

from service.core.errors import TillgateError
from service.jobs.operations.job import Report, Turn
from service.payments.refunds import repository
from service.payments.refunds.documents import Refund
from service.payments.refunds.sending.send import send, take_found
from service.payments.refunds.sending.services import RefundServices
from service.payments.refunds.states import RefundStatus
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION

# Banks take days; an event that is merely late comes much sooner.
SILENT_FOR = timedelta(hours=12)
_A_RUN = 500

log = structlog.get_logger(__name__)


class RefundsReport(Report):
    """How many refunds were asked about, and how many of them have come to an end."""

    changes = frozenset({"ended"})

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.asked = 0
        self.ended = 0


async def ask_about_silent(services: RefundServices, report: RefundsReport, turn: Turn) -> None:
    """Ask about each refund that has been silent for 12 hours, longest first.

    Each is put last then, whatever came of it: what can't be told holds up no other.
    """
    since = services.clock.now() - SILENT_FOR
    async with answers_in_time():
        found = await repository.find_silent(since, _A_RUN)
    for refund in found:
        if turn.until.over:
            return
        report.asked += 1
        report.ended += await _ask(refund, services)


async def count_silent(services: RefundServices, report: RefundsReport, turn: Turn) -> None:
    """Count the refunds that would be asked about."""
    async with answers_in_time():
        report.asked = await repository.count_silent(services.clock.now() - SILENT_FOR)


async def _ask(refund: Refund, services: RefundServices) -> bool:
    """Ask about a refund, or for one that was never asked for; return whether it has ended."""
    waits = refund.status is RefundStatus.APPROVED or refund.is_unanswered
    try:
        if waits and refund.needs_person is None:
            await send(refund, services)
        else:
            await take_found(refund, services)
    except TillgateError as error:
        log.warning("refund is silent", refund_id=refund.refund_id, reason=str(error))
    now = services.clock.now()
    async with answers_in_time():
        return not await repository.note_asked(refund.refund_id, now, NO_TRANSACTION)
