"""Named queries on how merchants want their customers reminded."""

from datetime import datetime, timedelta

from service.recovery.documents import RecoveryPolicy
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction

_A_DAY = timedelta(days=1)


async def enabled() -> list[RecoveryPolicy]:
    """Return the policies of merchants whose sessions are looked at; paused ones, too."""
    found = RecoveryPolicy.get_pymongo_collection().find({"enabled": True}).sort("_id", 1)
    return [RecoveryPolicy.model_validate(row) for row in await found.to_list()]


async def find_policy(merchant_id: str, tx: Transaction = NO_TRANSACTION) -> RecoveryPolicy | None:
    """Find a merchant's policy."""
    row = await RecoveryPolicy.get_pymongo_collection().find_one(
        {"_id": merchant_id}, session=tx.session
    )
    return RecoveryPolicy.model_validate(row) if row else None


async def put_policy(policy: RecoveryPolicy, tx: Transaction) -> None:
    """Keep a policy as a whole."""
    row = policy.to_row()
    await RecoveryPolicy.get_pymongo_collection().replace_one(
        {"_id": policy.id}, row, upsert=True, session=tx.session
    )


async def note_reached(merchant_id: str, second: int, tx: Transaction) -> None:
    """Note up to which of the database's seconds a merchant's sessions were looked at."""
    await RecoveryPolicy.get_pymongo_collection().update_one(
        {"_id": merchant_id, "reached": {"$lt": second}},
        {"$set": {"reached": second}},
        session=tx.session,
    )


async def count_send(policy: RecoveryPolicy, now: datetime, tx: Transaction) -> bool:
    """Count a reminder that is about to go out against a day's most; return whether it may.

    The policy was read in the same transaction. Of two at once that send for a merchant one begins
    anew, since both write here: what else was read about who was reminded is as it was, too.
    """
    is_over = policy.counted_from + _A_DAY <= now
    sent, since = (0, now) if is_over else (policy.sent, policy.counted_from)
    if sent >= policy.most_a_day:
        return False
    await RecoveryPolicy.get_pymongo_collection().update_one(
        {"_id": policy.id},
        {"$set": {"sent": sent + 1, "countedFrom": since}},
        session=tx.session,
    )
    return True
