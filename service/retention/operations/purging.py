"""Delete what was kept long enough and what nothing needs any more."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from service.core.batches import Pace, Until, work_off
from service.core.clock import Clock
from service.core.measures import Figure
from service.inbox import repository as webhooks
from service.jobs.operations.job import Turn
from service.leases.operations import under
from service.outbox import repository as outbox
from service.payments.payments import repository as payments
from service.retention.operations.report import CleanupReport, Jobs
from service.sessions import repository as sessions
from service.sessions.repository import Purgeable
from service.storage.answering import answers_in_time
from service.storage.keys import Keys

# Nobody waits for a count: it only reads.
_COUNTED_AT_ONCE = 500
TOO_LONG = timedelta(days=7)
# Each is an entry of an index; whoever has so many of them has to look anyway.
_MOST_TOLD = 100_000
_WITHIN_S = 30

log = structlog.get_logger(__name__)


async def purge_sessions(jobs: Jobs, report: CleanupReport, turn: Turn) -> None:
    """Delete the ended sessions that were kept long enough, except those that something needs.

    Of those that have been needed for over a week the log tells, by what needs them.
    """
    now = jobs.inbox.clock.now()
    why: Counter[str] = Counter()
    pace = Pace(sessions.read_nothing)
    await work_off(
        sessions.walk_purgeable(now, lambda: pace.size),
        partial(_purge_some, report=report, turn=turn, now=now, why=why),
        turn.until,
        pace,
    )
    if report.blocked_long:
        log.error("sessions can not be purged", over_days=TOO_LONG.days, **why)


async def count_purgeable(jobs: Jobs, report: CleanupReport, until: Until) -> None:
    """Count what `purge_sessions` would delete, and what it would leave."""
    now = jobs.inbox.clock.now()

    async def count(keys: Keys) -> int:
        free = await _free_of(keys, report, now, Counter())
        report.purged += len(free)
        return len(free)

    await work_off(sessions.walk_purgeable(now, _COUNTED_AT_ONCE), count, until)


async def overdue_figures(clock: Clock) -> Sequence[Figure]:
    """Return how many rows should have been deleted over a week ago. Raises `Unavailable`."""
    before = clock.now() - TOO_LONG
    async with answers_in_time():
        counts = {
            "sessions": await sessions.count_purgeable(before, _MOST_TOLD),
            "webhook_events": await webhooks.count_purgeable(before, _MOST_TOLD),
        }
    return (
        Figure(
            "tillgate_rows_kept_too_long",
            "Rows that should have been deleted over a week ago: something needs them, or the "
            f"cleanup does not run; {_MOST_TOLD} is that many or more",
            ("collection",),
            {(name,): count for name, count in counts.items()},
        ),
    )


async def purge_events(jobs: Jobs, report: CleanupReport, turn: Turn) -> None:
    """Delete the events that were kept long enough, except those of sessions that are not over.

    Of those that have been needed for over a week the log tells.
    """
    now = jobs.inbox.clock.now()
    blocked_long = 0

    async def purge(keys: Keys) -> int:
        nonlocal blocked_long
        async with answers_in_time(_WITHIN_S):
            rows = await webhooks.find_purgeable(now, keys)
            named = [(row["merchantId"], row["sessionId"]) for row in rows if row["sessionId"]]
            needed = await _needed_by_sessions(named)
        free = []
        for row in rows:
            if (row["merchantId"], row["sessionId"]) not in needed:
                free.append(row["_id"])
            elif row["purgeAt"] <= now - TOO_LONG:
                blocked_long += 1
        if not free:
            return 0
        await under(turn.lease, partial(webhooks.mark_deletable, now, free), _WITHIN_S)
        deleted = await under(turn.lease, partial(webhooks.delete_marked, now, free), _WITHIN_S)
        report.events_purged += deleted
        return deleted

    pace = Pace(sessions.read_nothing)
    await work_off(webhooks.walk_purgeable(now, lambda: pace.size), purge, turn.until, pace)
    if blocked_long:
        log.error("events can not be purged", over_days=TOO_LONG.days, session_open=blocked_long)


async def _needed_by_sessions(named: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    if not named:
        return set()
    merchant_ids, session_ids = ({*column} for column in zip(*named, strict=True))
    return await sessions.that_need_their_events(sorted(merchant_ids), sorted(session_ids))


async def _purge_some(
    keys: Keys,
    *,
    report: CleanupReport,
    turn: Turn,
    now: datetime,
    why: Counter[str],
) -> int:
    free = await _free_of(keys, report, now, why)
    if not free:
        return 0
    await under(turn.lease, partial(sessions.mark_deletable, free, now), _WITHIN_S)
    deleted = await under(turn.lease, partial(sessions.delete_marked, free, now), _WITHIN_S)
    report.purged += deleted
    return deleted


async def _free_of(
    keys: Keys, report: CleanupReport, now: datetime, why: Counter[str]
) -> list[Purgeable]:
    """Find those that nothing needs. What comes later writes the session, so the mark fails."""
    async with answers_in_time(_WITHIN_S):
        due = await sessions.find_purgeable(now, keys)
        needs = await _needs(due) if due else {}
    free = []
    for session in due:
        reasons = [reason for reason, names in needs.items() if session.name in names]
        if not reasons:
            free.append(session)
            continue
        report.blocked += 1
        if session.purge_at <= now - TOO_LONG:
            report.blocked_long += 1
            why.update(reasons)
    return free


async def _needs(due: Sequence[Purgeable]) -> dict[str, set[tuple[str, str]]]:
    """Return, for each thing that may need a session, those (merchant, session) that it needs."""
    ids = [session.session_id for session in due]
    return {
        "in_review": {session.name for session in due if session.reviewed},
        "payment_under_way": await payments.sessions_with_live(ids),
        "event_waits": await webhooks.sessions_waited_for(ids),
        "message_waits": await outbox.sessions_with_pending(ids),
    }
