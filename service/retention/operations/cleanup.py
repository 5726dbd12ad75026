"""Clean up: ask, expire what is overdue, retry what waits, delete what was kept long enough."""

import asyncio

from service.core.batches import Pace, Until, work_off
from service.core.lanes import Lane, lanes_of
from service.inbox.operations.replay import retry_waiting
from service.jobs.operations.job import Turn
from service.outbox.operations.post import Post
from service.retention.operations.asking import ask_about_overdue, ask_about_silent
from service.retention.operations.purging import purge_events, purge_sessions
from service.retention.operations.report import (
    CleanupReport,
    DeliveryReport,
    Jobs,
    RetryReport,
)
from service.sessions import repository as sessions
from service.sessions.checkouts.services import CheckoutServices
from service.sessions.operations.moving.expire import expire_batch
from service.storage.keys import Keys

_CALL_FOR_S = 15.0
# A call takes 2 seconds at worst, and a lane is looked at after so many of them.
_A_FEW = 5


async def clean_up(jobs: Jobs, report: CleanupReport, turn: Turn) -> None:
    """Ask, expire, retry, deliver, delete; in this order."""
    until = turn.until
    # What is not under way any more goes back to pending, and expires in this same run.
    await ask_about_overdue(jobs.services, report, until)
    await ask_about_silent(jobs.services, report, until)
    await _expire(jobs.services, report, turn)
    # Both may wait for providers: those that hang must not keep the run from what needs none.
    calling = until.at_most(_CALL_FOR_S)
    await asyncio.gather(_retry(jobs, report, calling), _deliver(jobs, report, calling))
    await purge_sessions(jobs, report, turn)
    await purge_events(jobs, report, turn)


async def deliver_all(jobs: Jobs, report: DeliveryReport, turn: Turn) -> None:
    """Deliver the messages that are due."""
    await _deliver(jobs, report, turn.until)


async def retry_all(jobs: Jobs, report: RetryReport, turn: Turn) -> None:
    """Try the waiting events that are due."""
    await _retry(jobs, report, turn.until)


async def _deliver(jobs: Jobs, report: DeliveryReport, until: Until) -> None:
    report.delivered = await Post(jobs.subscribers, jobs.inbox.clock, until).work_off()


async def _retry(jobs: Jobs, report: RetryReport, until: Until) -> None:
    """Try the waiting events again until nothing is left or the time is over.

    The lanes side by side: one that hangs leaves the time of the others to them.
    """

    async def work_through(lane: Lane) -> int:
        total = 0
        while not until.over and (
            done := await retry_waiting(jobs.inbox, lane=lane, limit=_A_FEW, stopping=jobs.stopping)
        ):
            total += done
        return total

    lanes = lanes_of(jobs.inbox.providers)
    report.events_retried = sum(await asyncio.gather(*map(work_through, lanes)))


async def _expire(services: CheckoutServices, report: CleanupReport, turn: Turn) -> None:
    async def expire(keys: Keys) -> int:
        lifetimes, now = services.rules.lifetimes, services.clock.now()
        expired = await expire_batch(lifetimes, now, keys, turn.lease)
        report.expired += expired
        return expired

    pace = Pace(sessions.read_nothing)
    walk = sessions.walk_due(services.clock.now(), lambda: pace.size)
    await work_off(walk, expire, turn.until, pace)
