"""Remind customers: the job that looks at what is due, and what it writes of each."""

from datetime import datetime
from functools import partial

from service.core.batches import work_off
from service.jobs.operations.job import Report, Turn
from service.leases.operations import under
from service.notifications.mail.operations.compose import merchant_of
from service.recovery import repository
from service.recovery.documents import Recovery, RecoveryPolicy
from service.recovery.operations.enroll import enroll
from service.recovery.operations.looking import look
from service.recovery.operations.services import RecoveryServices
from service.recovery.operations.writing import Looked, write
from service.recovery.states import LEFT_FOR, Hours, Left, Remind, Wait, next_step
from service.storage.answering import answers_in_time
from service.storage.keys import Keys

_AT_ONCE = 50
_WITHIN_S = 20.0


class ReminderReport(Report):
    """How many sessions were found left, how many were looked at, and what became of them.

    `over_limit` are those whose merchant has sent as much as it may in a day, `often` those whose
    customer was reminded as often as the merchant wants; they are due again after an hour.
    """

    changes = frozenset({"left", "reminded", "paid", "unpaid"})

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.left = 0
        self.due = 0
        self.reminded = 0
        self.paid = 0
        self.unpaid = 0
        self.over_limit = 0
        self.often = 0


async def remind(services: RecoveryServices, report: ReminderReport, turn: Turn) -> None:
    """Take up what was left, then look at all that is due. A dry run, without a lease, counts.

    Of two runs at once one has the lease, and a session is written only as it was read, so that
    each reminder is sent once. Raises `Unavailable`.
    """
    async with answers_in_time():
        policies = {one.id: one for one in await repository.enabled()}
    for policy in policies.values():
        if not policy.paused and not turn.until.over:
            report.left += await enroll(policy, services, turn)
    now = services.clock.now()
    if turn.lease is None:
        async with answers_in_time():
            report.due = await repository.count_due(now)
        return
    walk = repository.walk_due(now, _AT_ONCE)
    await work_off(walk, partial(_batch, services, policies, report, turn), turn.until)


async def _batch(
    services: RecoveryServices,
    policies: dict[str, RecoveryPolicy],
    report: ReminderReport,
    turn: Turn,
    keys: Keys,
) -> int:
    report.due += len(keys)
    looked: list[Looked] = []
    async with answers_in_time(_WITHIN_S):
        for key in keys:
            merchant_id, _, session_id = str(key).partition(":")
            found = await repository.find(merchant_id, session_id)
            if found is not None:
                policy = policies.get(merchant_id)
                looked.append(await look_at(found, policy, services))
    done = await under(turn.lease, partial(write, looked, services))
    report.reminded += done.reminded
    report.paid += done.paid
    report.unpaid += done.unpaid
    report.over_limit += done.over_limit
    report.often += done.often
    return len(looked)


async def look_at(
    recovery: Recovery, policy: RecoveryPolicy | None, services: RecoveryServices
) -> Looked:
    """Look at a session that was left, and decide what becomes of it now."""
    now, seen = services.clock.now(), await look(recovery, services)
    merchant = await merchant_of(recovery.merchant_id, services.mail)
    zone = seen.zone or recovery.zone or merchant.zone
    step = next_step(left_of(recovery), seen.now, recovery.arm, hours_of(policy), zone, now)
    held_up = policy is None or policy.paused or merchant.suspended is not None
    if isinstance(step, Remind) and held_up:
        step = later(recovery, now)
    return Looked(recovery, seen, step)


def later(recovery: Recovery, now: datetime) -> Wait:
    """Return that what would be due is looked at again in an hour."""
    return Wait(min(now + LEFT_FOR, recovery.outcome_at))


def hours_of(policy: RecoveryPolicy | None) -> Hours:
    """Return when a merchant's reminders go out; never, without a policy."""
    if policy is None or not policy.enabled:
        return Hours((), 0, 0)
    return Hours(tuple(policy.after), policy.quiet_from, policy.quiet_until)


def left_of(recovery: Recovery) -> Left:
    """Return what is known of a session that was left, as the rules take it."""
    return Left(
        at=recovery.left_at,
        reminders=recovery.reminders,
        reminded_at=recovery.reminded_at,
        until=recovery.outcome_at,
    )
