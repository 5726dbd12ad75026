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
from service.recovery.documents import Recovery
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
    """How many were written so."""

    reminded: int = 0
    paid: int = 0
    unpaid: int = 0
    over_limit: int = 0


async def write(looked: Sequence[Looked], services: RecoveryServices, tx: Transaction) -> Done:
    """Write what becomes of some, each as long as it is as it was read; return how many."""
    now = services.clock.now()
    due = Counter(one.recovery.merchant_id for one in looked if isinstance(one.step, Remind))
    allowed = Counter(
        {whose: await repository.count_sends(whose, n, now, tx) for whose, n in due.items()}
    )
    done: Counter[str] = Counter()
    for one in looked:
        whose = one.recovery.merchant_id
        if isinstance(one.step, Remind):
            kind = "reminded" if allowed[whose] > 0 else "over_limit"
            allowed[whose] -= 1
        else:
            kind = one.step.status.value if isinstance(one.step, End) else "waits"
        if await _write_one(one, kind, now, services, tx):
            done[kind] += 1
    return Done(done["reminded"], done["paid"], done["unpaid"], done["over_limit"])


async def _write_one(
    one: Looked, kind: str, now: datetime, services: RecoveryServices, tx: Transaction
) -> bool:
    recovery = one.recovery
    if kind == "reminded" and one.seen.session is not None:
        change: Row = {
            "reminders": recovery.reminders + 1,
            "remindedAt": now,
            "zone": one.seen.zone or recovery.zone,
            "nextAt": min(now + LEFT_FOR, recovery.outcome_at),
        }
        if not await repository.move_on(recovery, change, tx):
            return False
        told = await reminder(one.seen.session, recovery.reminders + 1, now, services, tx)
        await outbox.add_once([told], tx)
        return True
    return await repository.move_on(recovery, _change(one, now), tx)


def _change(one: Looked, now: datetime) -> Row:
    """Return what is written of one that is not reminded now."""
    match one.step:
        case End(status=status):
            ended: Row = {"status": status.value, "nextAt": now}
            if status is RecoveryStatus.PAID:
                ended |= {
                    "paidBy": [*one.seen.paid_by],
                    "via": via.value if (via := one.seen.via) else None,
                }
            return ended
        case Wait(until=until):
            return {"nextAt": until}
        case Remind():
            return {"nextAt": min(now + LEFT_FOR, one.recovery.outcome_at)}


async def reminder(
    session: Session, number: int, now: datetime, services: RecoveryServices, tx: Transaction
) -> Row:
    """Return the message of a session's reminder: mail and endpoints hear it.

    Its key has the number, so that there is one of each.
    """
    policy = await repository.find_policy(session.merchant_id, tx)
    payload: JsonObject = {
        "sessionId": session.session_id,
        "userId": session.user_id,
        "number": number,
        "amount": session.amount,
        "currency": session.currency,
        "provider": session.provider,
        "link": link(session.merchant_id, session.session_id, now, services.mail),
        "linkEndsAt": (now + LINK_FOR).isoformat(),
        "mailed": policy is not None and policy.mail and services.mail.server is not None,
    }
    return message(
        TOPIC,
        f"{session.merchant_id}:{session.session_id}:{session.created_at.isoformat()}:{number}",
        merchant_id=session.merchant_id,
        session_id=session.session_id,
        payload=payload,
        now=now,
    )
