"""Look at a session that was left: what has become of it, and whether its customer may be told."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from service.core.clock import Clock
from service.notifications.mail.documents import MailMessage
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.payments.states import CAME, LIVE
from service.recovery.documents import Recovery
from service.recovery.operations.consent import agreed
from service.recovery.operations.customers import is_suppressed
from service.recovery.operations.services import RecoveryServices
from service.recovery.states import Now, Via, is_left
from service.sessions import repository as sessions
from service.sessions.documents import Session
from service.sessions.repository import Bought
from service.sessions.states import Status, status_at

SENT_WITHIN: Final = timedelta(hours=1)
"""After what time a reminder that could not be sent is not sent any more."""


class Seen(Struct, frozen=True):
    """How things stand. `why`: nobody is to be reminded, in a person's words; None: somebody may.

    `begun_anew`: its customer has a later session for the same. `paid_by` are the keys of the
    payments that came of it, `zone` is the customer's.
    """

    session: Session | None
    now: Now
    why: str | None = None
    zone: str | None = None
    paid_by: Sequence[str] = ()
    via: Via | None = None
    begun_anew: bool = False


async def look(recovery: Recovery, services: RecoveryServices) -> Seen:
    """Look at a session that was left, with whatever else its customer did."""
    session = await sessions.find(recovery.merchant_id, recovery.session_id)
    if session is None or not recovery.is_of(session.created_at):
        gone = Now(status=Status.EXPIRED, changed_at=recovery.left_at, expires_at=recovery.left_at)
        return Seen(None, _unwanted(gone), "The session is gone.")
    others = await sessions.others_of(session)
    bought = await _bought_since(session)
    now = services.clock.now()
    standing = _standing(session, others, bought, now)
    if standing.paid:
        paid = await _paid_by(session, others, bought)
        return Seen(
            session,
            standing,
            "It was paid.",
            None,
            [str(one.id) for one in paid],
            _via(recovery, session, paid),
        )
    agrees = await agreed(session)
    anew = any(one.trusted and one.created_at > session.created_at for one in others)
    why = "The customer has begun anew since." if anew else None
    why = why or await _why_not(session, standing, services)
    if why is None and not agrees.consents:
        why = "The customer has not agreed to be written to."
    if why is not None and not standing.under_way:
        standing = _unwanted(standing)
    return Seen(session, standing, why, agrees.zone, begun_anew=anew)


async def still_due(clock: Clock, mail: MailMessage) -> bool:
    """Return whether a reminder that waited may go out: it is not old, and nothing was paid since.

    Nor has another session taken its session's id since.
    A mail server may be away for hours, and the customer may have paid, or be asleep.
    """
    now = clock.now()
    session = await sessions.find(mail.merchant_id, mail.session_id)
    if session is None or now >= mail.created_at + SENT_WITHIN:
        return False
    if session.created_at >= mail.created_at:
        return False
    others = await sessions.others_of(session)
    bought = await _bought_since(session)
    standing = _standing(session, others, bought, now)
    return is_left(standing.status) and not standing.paid and not standing.under_way


async def _why_not(session: Session, standing: Now, services: RecoveryServices) -> str | None:
    if standing.under_way:
        return "A payment may be under way."
    if not is_left(standing.status):
        return f"The session is {standing.status}."
    if session.email is None or session.review is not None:
        return "The session has no email address." if session.email is None else "It is in review."
    if await is_suppressed(session, services):
        return "The address gets receipts alone."
    return None


async def _bought_since(session: Session) -> Sequence[Payment]:
    """Return what a session's user has paid or is paying for its plan since, by any session."""
    if session.plan is None:
        return ()
    return await payments.of_plan_since(
        session.merchant_id, session.user_id, session.plan, session.created_at
    )


def _standing(
    session: Session, others: Sequence[Bought], bought: Sequence[Payment], now: datetime
) -> Now:
    """Return how a session stands, with what its customer has paid or is paying otherwise."""
    status = status_at(session.status, session.expires_at, now)
    since = session.created_at
    paid = (
        status is Status.COMPLETED
        or any(one.completed_at is not None and one.completed_at >= since for one in others)
        or any(one.status in CAME for one in bought)
    )
    under_way = (
        status is Status.PROCESSING
        or bool(session.live_attempts)
        or any(one.status is Status.PROCESSING for one in others)
        or any(one.status in LIVE for one in bought)
    )
    return Now(
        status=status,
        changed_at=session.updated_at,
        expires_at=session.expires_at,
        paid=paid,
        under_way=under_way,
    )


async def _paid_by(
    session: Session, others: Sequence[Bought], bought: Sequence[Payment]
) -> Sequence[Payment]:
    """Return the payments that came of a session: its own, else those of what was bought instead.

    Each once, however many ways lead to it.
    """
    paid = [session.session_id] if session.status is Status.COMPLETED else []
    paid += [
        one.session_id
        for one in others
        if one.completed_at is not None and one.completed_at >= session.created_at
    ]
    found = {
        str(one.id): one
        for session_id in paid[:1]
        for one in await payments.of_session(session.merchant_id, session_id)
        if one.status in CAME
    }
    if not paid:
        found = {str(one.id): one for one in [one for one in bought if one.status in CAME][-1:]}
    return list(found.values())


def _via(recovery: Recovery, session: Session, paid: Sequence[Payment]) -> Via:
    """Return how a payment came. A checkout that we did not open, Stripe opened of an expired one.

    Such a payment names it; we have only the one that it was recovered from.
    """
    if session.status is not Status.COMPLETED:
        return Via.OTHER
    ours = {one.ref for one in session.checkouts}
    paid_in = {one.provider_session_id for one in paid if one.provider_session_id is not None}
    if ours and paid_in and not paid_in & ours:
        return Via.PROVIDER
    used, done = recovery.resumed_at, session.completed_at
    return Via.LINK if used is not None and done is not None and used <= done else Via.OTHER


def _unwanted(now: Now) -> Now:
    return Now(
        status=now.status,
        changed_at=now.changed_at,
        expires_at=now.expires_at,
        paid=now.paid,
        under_way=now.under_way,
        unwanted=True,
    )
