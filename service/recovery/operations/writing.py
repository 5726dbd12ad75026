"""Write what becomes of sessions that were left: a reminder is one message, and counts."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from service.core.strict_json import JsonObject
from service.outbox import repository as outbox
from service.outbox.operations.messages import message
from service.recovery import repository
from service.recovery.documents import Recovery, RecoveryPolicy
from service.recovery.operations.customers import often_until
from service.recovery.operations.links import LINK_FOR, link
from service.recovery.operations.looking import Seen
from service.recovery.operations.services import RecoveryServices
from service.recovery.states import LEFT_FOR, End, RecoveryStatus, Remind, Step, Wait
from service.sessions.documents import Session
from service.storage.database import Row
from service.storage.transaction import Transaction

TOPIC: Final = "recovery.reminder"


class Looked(Struct, frozen=True):
    """A session that was left, how it stands, and what becomes of it."""

    recovery: Recovery
    seen: Seen
    step: Step


class Done(Struct, frozen=True):
    """How many were written so. `often`: their customers were reminded as often as may be."""

    reminded: int = 0
    paid: int = 0
    unpaid: int = 0
    over_limit: int = 0
    often: int = 0


async def write(looked: Sequence[Looked], services: RecoveryServices, tx: Transaction) -> Done:
    """Write what becomes of some, each as long as it is as it was read; return how many."""
    now = services.clock.now()
    done: Counter[str] = Counter()
    for one in looked:
        match one.step:
            case End(status=status):
                kind = status.value
                written = await repository.move_on(one.recovery, _ended(one, status, now), tx)
            case Wait(until=until):
                kind = "waits"
                written = await repository.move_on(one.recovery, {"nextAt": until}, tx)
            case Remind() as step:
                kind, written = await _remind(one, step, now, services, tx)
        done[kind] += written
    return Done(*(done[name] for name in Done.__struct_fields__))


async def _remind(
    one: Looked, step: Remind, now: datetime, services: RecoveryServices, tx: Transaction
) -> tuple[str, bool]:
    """Remind a customer where the merchant's limits allow it; else it is looked at again later."""
    recovery, session = one.recovery, one.seen.session
    policy = await repository.find_policy(recovery.merchant_id, tx)
    kind, later = "over_limit", now + LEFT_FOR
    if session is not None and policy is not None and policy.enabled and not policy.paused:
        enough, alone_until = await often_until(session, policy, now, services, tx)
        if enough:
            kind = "often"
        elif alone_until is not None and not step.by_hand:
            kind, later = "waits", alone_until
        elif await repository.count_send(policy, now, tx):
            return "reminded", await _send(one, session, policy, services, tx)
    change: Row = {"nextAt": min(later, recovery.outcome_at)}
    return kind, await repository.move_on(recovery, change, tx)


async def _send(
    one: Looked,
    session: Session,
    policy: RecoveryPolicy,
    services: RecoveryServices,
    tx: Transaction,
) -> bool:
    recovery, now = one.recovery, services.clock.now()
    change: Row = {
        "reminders": recovery.reminders + 1,
        "remindedAt": now,
        "zone": one.seen.zone or recovery.zone,
        "nextAt": min(now + LEFT_FOR, recovery.outcome_at),
    }
    if not await repository.move_on(recovery, change, tx):
        return False
    await outbox.add_once([_message(session, recovery.reminders + 1, policy, services)], tx)
    return True


def _ended(one: Looked, status: RecoveryStatus, now: datetime) -> Row:
    ended: Row = {"status": status.value, "nextAt": now}
    if status is RecoveryStatus.PAID:
        via = one.seen.via
        ended |= {"paidBy": [*one.seen.paid_by], "via": via.value if via else None}
    return ended


def _message(
    session: Session, number: int, policy: RecoveryPolicy, services: RecoveryServices
) -> Row:
    """Return the message of a session's reminder: mail and endpoints hear it.

    Its key has the number, so that there is one of each.
    """
    now = services.clock.now()
    payload: JsonObject = {
        "sessionId": session.session_id,
        "userId": session.user_id,
        "number": number,
        "amount": session.amount,
        "currency": session.currency,
        "provider": session.provider,
        "link": link(session.merchant_id, session.session_id, now, services.mail),
        "linkEndsAt": (now + LINK_FOR).isoformat(),
        "mailed": policy.mail and services.mail.server is not None,
    }
    return message(
        TOPIC,
        f"{session.merchant_id}:{session.session_id}:{session.created_at.isoformat()}:{number}",
        merchant_id=session.merchant_id,
        session_id=session.session_id,
        payload=payload,
        now=now,
    )
