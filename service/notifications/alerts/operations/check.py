"""Look at the conditions as a job, and have the alerts agree with what is seen."""

from collections.abc import Sequence

import structlog

from service.core.clock import Clock
from service.jobs.operations.job import Report, Turn
from service.merchants import repository as merchants
from service.notifications.alerts import repository
from service.notifications.alerts.operations.agree import Done, agree
from service.notifications.alerts.operations.condition import Condition
from service.storage.answering import answers_in_time

log = structlog.get_logger(__name__)


class AlertReport(Report):
    """What was seen, and of what somebody is told.

    `unknown`: rules at which nobody could look; their alerts stay as they are.
    """

    changes = frozenset({"opened", "repeated", "closed"})

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.seen = 0
        self.opened = 0
        self.repeated = 0
        self.closed = 0
        self.unknown = 0

    def add(self, done: Done) -> None:
        """Count what a transaction has done."""
        self.opened += done.opened
        self.repeated += done.repeated
        self.closed += done.closed


async def check_conditions(
    conditions: Sequence[Condition], clock: Clock, report: AlertReport, turn: Turn
) -> None:
    """Look at each condition once; a dry run, which has no lease, only counts what is seen.

    What one look meets is no other condition's matter. A rule whose look fails is unknown: its
    alerts are neither repeated nor closed. What a merchant has turned off is not seen for it.
    """
    async with answers_in_time():
        off = await merchants.alerts_off()
    for condition in conditions:
        if turn.until.over:
            return
        async with answers_in_time():
            now = await repository.database_now(clock)
        try:
            found = await condition.look(now)
        except Exception:
            log.exception("a condition can not be looked at", rule=condition.rule)
            report.unknown += 1
            continue
        rule = condition.rule
        seen = [one for one in found if rule not in off.get(one.merchant_id, ())]
        report.seen += len(seen)
        if turn.lease is not None:
            for done in await agree(rule, seen, now, turn.lease):
                report.add(done)
