"""List the sessions that were left, and remind a customer now."""

from service.audit.operations import Act, record
from service.core.paging import Cursor
from service.core.principal import Principal
from service.recovery import repository
from service.recovery.documents import Recovery
from service.recovery.errors import NotReminded
from service.recovery.operations.looking import Seen, look
from service.recovery.operations.previewing import HELD_OUT, OFTEN, find_left
from service.recovery.operations.services import RecoveryServices
from service.recovery.operations.writing import Looked, write
from service.recovery.states import MOST_REMINDERS, Arm, RecoveryStatus, Remind
from service.storage.answering import answers_in_time
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction


async def list_recoveries(
    merchant_id: str, status: RecoveryStatus | None, *, cursor: Cursor | None, limit: int
) -> tuple[list[Recovery], Cursor | None]:
    """List a merchant's sessions that were left, newest first. Raises `Unavailable`."""
    async with answers_in_time():
        return await repository.page(merchant_id, status, cursor=cursor, limit=limit)


async def send_one(session_id: str, by: Principal, services: RecoveryServices) -> Recovery:
    """Remind a session's customer now, whatever hour it is, on the record.

    Whoever has paid, begun anew, unsubscribed or not agreed is not written to, nor whoever is held
    out or was reminded three times. Raises `NotLeft`, `NotReminded`.
    """
    async with answers_in_time():
        recovery = await find_left(session_id, by.merchant_id)
        seen = await look(recovery, services)
    if (why := _why_not(recovery, seen)) is not None:
        raise NotReminded(why)
    looked = Looked(recovery, seen, Remind(recovery.reminders + 1, by_hand=True))

    async def work(tx: Transaction) -> None:
        done = await write([looked], services, tx)
        if done.over_limit:
            raise NotReminded("The merchant is paused, or has sent as many as it may in a day.")
        if done.often:
            raise NotReminded(OFTEN)
        if not done.reminded:
            raise NotReminded("It was reminded of just now, by the job or by somebody else.")
        act = Act(
            "recovery.sent", f"session:{session_id}", detail={"number": recovery.reminders + 1}
        )
        await record(tx, by, act, services.clock.now())

    await in_transaction(work)
    async with answers_in_time():
        return await find_left(session_id, by.merchant_id)


def _why_not(recovery: Recovery, seen: Seen) -> str | None:
    if recovery.status is not RecoveryStatus.WAITING or seen.now.paid:
        return f"It is {'paid' if seen.now.paid else recovery.status} already."
    if recovery.arm is Arm.HELD_OUT:
        return HELD_OUT
    if recovery.reminders >= MOST_REMINDERS:
        return f"It was reminded of {MOST_REMINDERS} times."
    return seen.why
