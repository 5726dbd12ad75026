"""When and whether a session that was left is reminded of, and the mail as it would be."""

from datetime import datetime
from typing import Final

from msgspec import Struct

from service.notifications.mail.operations.compose import merchant_of
from service.notifications.mail.operations.render import Rendered
from service.recovery import repository
from service.recovery.documents import Recovery
from service.recovery.errors import NotLeft
from service.recovery.operations.customers import often_until
from service.recovery.operations.looking import look
from service.recovery.operations.mailing import mail_of
from service.recovery.operations.remind import hours_of, left_of
from service.recovery.operations.services import RecoveryServices
from service.recovery.states import Arm, RecoveryStatus, Remind, Wait, next_step
from service.storage.answering import answers_in_time

HELD_OUT: Final = "This customer is held out, so that what reminders bring can be measured."
OFTEN: Final = "This customer was reminded as often as the merchant wants, of whatever they began."


class Previewed(Struct, frozen=True):
    """A session that was left: when its next reminder is due, or why there is none; and the mail.

    `mail` is None where nobody would be written to.
    """

    recovery: Recovery
    due_at: datetime | None
    why: str | None
    mail: Rendered | None


async def preview(session_id: str, merchant_id: str, services: RecoveryServices) -> Previewed:
    """Return what becomes of a session now, and the mail as it would be. Raises `NotLeft`."""
    async with answers_in_time():
        recovery = await find_left(session_id, merchant_id)
        seen = await look(recovery, services)
        policy = await repository.find_policy(merchant_id)
        merchant = await merchant_of(merchant_id, services.mail)
        now = services.clock.now()
        enough, alone = False, None
        if seen.session is not None and policy is not None:
            enough, alone = await often_until(seen.session, policy, now, services)
    zone = seen.zone or recovery.zone or merchant.zone
    step = next_step(left_of(recovery), seen.now, recovery.arm, hours_of(policy), zone, now)
    due = (alone or now) if isinstance(step, Remind) else None
    if isinstance(step, Wait) and step.until < recovery.outcome_at:
        due = step.until
    mail = None
    if seen.why is None and seen.session is not None and not seen.now.paid:
        mail = await mail_of(seen.session, services)
    why = seen.why or _why_not(recovery) or (OFTEN if enough else None)
    return Previewed(recovery, None if why else due, why, mail)


def _why_not(recovery: Recovery) -> str | None:
    if recovery.status is not RecoveryStatus.WAITING:
        return f"It is {recovery.status}."
    return HELD_OUT if recovery.arm is Arm.HELD_OUT else None


async def find_left(session_id: str, merchant_id: str) -> Recovery:
    """Return what is known of a session that was left. Raises `NotLeft`."""
    found = await repository.find(merchant_id, session_id)
    if found is None:
        raise NotLeft(session_id)
    return found
