"""Say in time that a dispute's deadline is near: a message that whoever mails or alerts hears."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from service.core.batches import work_off
from service.core.clock import Clock
from service.jobs.operations.job import About, Job, Report, Turn
from service.leases.operations import under
from service.outbox import repository as outbox
from service.outbox.operations.messages import message
from service.payments.disputes import repository
from service.payments.disputes.documents import Dispute
from service.payments.disputes.states import FIRST_REMINDER, reminder_due
from service.storage.database import Row
from service.storage.keys import Keys
from service.storage.transaction import Transaction

TOPIC = "dispute.deadline_near"
DEADLINES = About(
    "dispute-deadlines",
    "says three days and one day before a dispute's deadline that it has no answer yet",
    every=timedelta(hours=1),
)
ABOUT: Sequence[About] = (DEADLINES,)
_AT_ONCE = 100


class DeadlineReport(Report):
    """How many disputes are near their deadline, and of how many of them that was said."""

    changes = frozenset({"reminded"})

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.near = 0
        self.reminded = 0


def dispute_jobs(clock: Clock) -> Sequence[Job[Any]]:
    """Return the jobs of this room, with what they need."""
    work = partial(remind_of_deadlines, clock)
    return (Job(DEADLINES, DeadlineReport, work, work),)


async def remind_of_deadlines(clock: Clock, report: DeadlineReport, turn: Turn) -> None:
    """Write a message for each dispute that nobody has answered and whose deadline is near.

    Each deadline is told of once for each distance, however often this runs. A dry run, which has
    no lease, only counts.
    """
    now = clock.now()

    async def remind(keys: Keys) -> int:
        async def some(tx: Transaction) -> int:
            due = [one for one in await repository.by_keys(keys, tx) if reminder(one, now)]
            await repository.note_reminded([(one, str(reminder(one, now))) for one in due], tx)
            await outbox.add_once([_message(one, now) for one in due], tx)
            return len(due)

        report.near += len(keys)
        done = 0 if turn.lease is None else await under(turn.lease, some)
        report.reminded += done
        return done

    walk = repository.walk_near(now, now + FIRST_REMINDER, _AT_ONCE)
    await work_off(walk, remind, turn.until)


def reminder(dispute: Dispute, now: datetime) -> str | None:
    """Return the name of the reminder that a dispute is due, None where it had that one."""
    hours = reminder_due(dispute.status, dispute.respond_by, now)
    if hours is None or dispute.evidence_submitted or dispute.respond_by is None:
        return None
    name = f"{dispute.respond_by.isoformat()}:{hours}"
    return None if dispute.reminded == name else name


def _message(dispute: Dispute, now: datetime) -> Row:
    key = f"{dispute.provider}:{dispute.account}:{dispute.provider_dispute_id}"
    return message(
        TOPIC,
        f"{key}:{reminder(dispute, now)}",
        merchant_id=dispute.merchant_id,
        session_id=dispute.session_id or "",
        payload={
            "disputeId": dispute.provider_dispute_id,
            "paymentId": dispute.payment_id,
            "amount": dispute.amount,
            "currency": dispute.currency,
            "status": dispute.status.value,
            "respondBy": dispute.respond_by.isoformat() if dispute.respond_by else None,
        },
        now=now,
    )
