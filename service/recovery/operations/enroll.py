"""Find the sessions that were left: each is looked at once, an hour after it was changed last."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from service.core.paging import Cursor
from service.jobs.operations.job import Turn
from service.leases.operations import under
from service.recovery import repository
from service.recovery.documents import Recovery, RecoveryPolicy, recovery_id
from service.recovery.operations.consent import agreed
from service.recovery.operations.customers import is_suppressed, names_of
from service.recovery.operations.services import RecoveryServices
from service.recovery.states import LEFT_FOR, OUTCOME_AFTER, WINDOW, RecoveryStatus, arm_of
from service.sessions import repository as sessions
from service.sessions.documents import Session
from service.sessions.repository import item_of
from service.sessions.states import Status, status_at
from service.storage.answering import answers_in_time
from service.storage.database import Row
from service.storage.transaction import Transaction

KEEP_FOR: Final = timedelta(days=180)
_PAGE = 100
_WITHIN_S = 20.0
# What was changed last before that is no session that is reminded of: the longest live a day.
_LOOKS_BACK = WINDOW + timedelta(hours=2)


async def enroll(policy: RecoveryPolicy, services: RecoveryServices, turn: Turn) -> int:
    """Take up a merchant's sessions that were left since this last ran; return how many.

    A dry run, without a lease, counts them. Raises `Unavailable`, `LeaseLost`.
    """
    now = services.clock.now()
    since, until = max(policy.reached, _seconds(now - _LOOKS_BACK)), _seconds(now - LEFT_FOR)
    cursor: Cursor | None = None
    taken = 0
    while since < until and not turn.until.over:
        async with answers_in_time(_WITHIN_S):
            found, cursor = await sessions.page_of_left(
                policy.id, since, until, cursor=cursor, limit=_PAGE
            )
            new = await _new_rows(found, policy, services, now)
        taken += len(new)
        reached = until if cursor is None else _seconds(cursor.at)
        if turn.lease is not None:
            await _keep(new, policy, reached, turn)
        if cursor is None:
            break
    return taken


async def _keep(rows: Sequence[Row], policy: RecoveryPolicy, reached: int, turn: Turn) -> None:
    async def work(tx: Transaction) -> None:
        await repository.add_once(rows, tx)
        await repository.note_reached(policy.id, reached, tx)

    await under(turn.lease, work)


async def _new_rows(
    found: Sequence[Session], policy: RecoveryPolicy, services: RecoveryServices, now: datetime
) -> list[Row]:
    ids = [recovery_id(one.merchant_id, one.session_id) for one in found]
    known = await repository.known(ids)
    made = [
        await _row(one, policy, services, now)
        for key, one in zip(ids, found, strict=True)
        if key not in known
    ]
    return [row for row in made if row is not None]


async def _row(
    session: Session, policy: RecoveryPolicy, services: RecoveryServices, now: datetime
) -> Row | None:
    """Return the row of a session whose customer may be written to, None for any other."""
    if session.email is None or now >= session.expires_at + WINDOW or session.amount <= 0:
        return None
    agrees = await agreed(session)
    if not agrees.consents:
        return None
    if await is_suppressed(session, services):
        return None
    expired = status_at(session.status, session.expires_at, now) is Status.EXPIRED
    return Recovery.new_row(
        {
            "_id": recovery_id(session.merchant_id, session.session_id),
            "merchantId": session.merchant_id,
            "sessionId": session.session_id,
            "userId": session.user_id,
            "customer": names_of(session, services.mail.peppers[:1]),
            "provider": session.provider,
            "item": item_of(session.kind, session.plan, session.event_id, session.pass_id),
            "arm": arm_of(session.merchant_id, session.user_id, policy.held_out).value,
            "zone": agrees.zone,
            "leftAt": session.expires_at if expired else session.updated_at,
            "enrolledAt": now,
            "nextAt": now,
            "outcomeAt": now + OUTCOME_AFTER,
            "status": RecoveryStatus.WAITING.value,
            "purgeAt": now + KEEP_FOR,
        }
    )


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
