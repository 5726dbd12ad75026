"""Named queries on tries at paying."""

from collections.abc import Collection

from service.core.errors import Busy
from service.payments.attempts.documents import Attempt
from service.storage.database import NOW_WRITTEN, Row
from service.storage.transaction import LookUp, Question, Transaction


def by_id(provider: str, account: str, attempt_id: str) -> Question:
    """Ask for a try by its provider's id."""
    fixed = {"provider": provider, "account": account}
    wanted = LookUp("attemptId", (attempt_id,), fixed=fixed)
    return Question(Attempt.get_pymongo_collection(), (wanted,))


async def find(provider: str, account: str, attempt_id: str, tx: Transaction) -> Attempt | None:
    """Find a try by its provider's id."""
    found = await tx.look_up(by_id(provider, account, attempt_id))
    return Attempt.model_validate(found[0]) if found else None


async def of_payments(
    provider: str, account: str, provider_payment_ids: Collection[str]
) -> list[Attempt]:
    """Return the failed tries of some payments of one account, in no order."""
    wanted = {
        "providerPaymentId": {"$in": sorted(provider_payment_ids)},
        "provider": provider,
        "account": account,
    }
    rows = await Attempt.get_pymongo_collection().find(wanted).to_list(1000)
    return [Attempt.model_validate(row) for row in rows]


async def of_session(merchant_id: str, session_id: str) -> list[Attempt]:
    """Return the failed tries of one session, in no order."""
    wanted = {"sessionId": session_id, "merchantId": merchant_id}
    rows = await Attempt.get_pymongo_collection().find(wanted).to_list(1000)
    return [Attempt.model_validate(row) for row in rows]


async def insert(row: Row, tx: Transaction) -> None:
    """Insert the row of a try. Raises `Duplicate` if another transaction was quicker."""
    await tx.insert(Attempt.get_pymongo_collection(), row)


async def change(attempt: Attempt, changes: Row, tx: Transaction) -> Attempt:
    """Set fields of a try that was read in the same transaction."""
    wanted = {
        "provider": attempt.provider,
        "account": attempt.account,
        "attemptId": attempt.attempt_id,
    }
    changed = await tx.change(attempt, wanted, {"$set": changes, **NOW_WRITTEN})
    if changed is None:  # none is ever deleted
        raise Busy("The attempt is being written by others.")
    return changed
