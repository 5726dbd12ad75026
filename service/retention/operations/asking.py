"""Ask the providers about what is said to be under way and should be over."""

import time
from datetime import datetime

import structlog

from service.core.errors import InvalidInput, ProviderFailed
from service.retention.operations.report import Report
from service.sessions import repository as sessions
from service.storage.transactions import answers_in_time
from service.webhooks.operations.ask import verify_session
from service.webhooks.operations.inbox import Inbox

_ASK_AT_ONCE = 50

log = structlog.get_logger(__name__)


async def ask_about_overdue(inbox: Inbox, report: Report, until: float) -> None:
    """Ask about overdue sessions whose payment is said to be under way.

    One without a live payment goes back to pending. Those that were asked about longest ago come
    first, so that some that never answer don't keep out the others.
    """
    async with answers_in_time():
        overdue = await sessions.find_overdue_processing(inbox.clock.now(), _ASK_AT_ONCE)
    for session in overdue:
        if time.monotonic() > until:
            break
        report.asked += 1
        try:
            async with answers_in_time():
                await sessions.note_asked(session, inbox.clock.now())
            await verify_session(session, inbox)
        except (ProviderFailed, InvalidInput) as error:  # the latter: it has no credentials here
            log.warning("session not re-read", session=session.session_id, reason=str(error))


async def count_asked(now: datetime) -> int:
    """Count what a run would ask about."""
    return await sessions.count_overdue_processing(now)
