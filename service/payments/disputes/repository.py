"""Named queries on disputes."""

from collections.abc import AsyncGenerator, Collection, Sequence
from datetime import datetime

from service.core.errors import Busy
from service.payments.disputes.documents import Dispute
from service.payments.disputes.states import UNANSWERED
from service.payments.entries import repository as entries
from service.payments.entries.documents import UNPOSTED
from service.storage.database import NOW_WRITTEN, Row
from service.storage.keys import Keys, Size, known_keys, walk_keys, walk_parents
from service.storage.transaction import LookUp, Question, Transaction


def by_provider_id(provider: str, account: str, provider_dispute_id: str) -> Question:
    """Ask for a dispute by its provider's id."""
    fixed = {"provider": provider, "account": account}
    wanted = LookUp("providerDisputeId", (provider_dispute_id,), fixed=fixed)
    return Question(Dispute.get_pymongo_collection(), (wanted,))


async def find(
    provider: str, account: str, provider_dispute_id: str, tx: Transaction
) -> Dispute | None:
    """Find a dispute by its provider's id."""
    found = await tx.look_up(by_provider_id(provider, account, provider_dispute_id))
    return Dispute.model_validate(found[0]) if found else None


async def of_payment(payment_id: str, tx: Transaction) -> list[Dispute]:
    """Return all disputes of one payment, by its `_id` in hex."""
    wanted = LookUp("paymentId", (payment_id,))
    rows = await tx.look_up(Question(Dispute.get_pymongo_collection(), (wanted,)))
    return [Dispute.model_validate(row) for row in rows]


async def insert(row: Row, tx: Transaction) -> None:
    """Insert the row of a dispute. Raises `Duplicate` if another transaction was quicker."""
    await tx.insert(Dispute.get_pymongo_collection(), row)


async def change(dispute: Dispute, changes: Row, move: Row | None, tx: Transaction) -> Dispute:
    """Set fields of a dispute that was read in the same transaction, and add a move of it."""
    update: Row = {"$set": changes, **NOW_WRITTEN}
    if move is not None:
        update["$push"] = {"history": move}
    wanted = {
        "provider": dispute.provider,
        "account": dispute.account,
        "providerDisputeId": dispute.provider_dispute_id,
    }
    changed = await tx.change(dispute, wanted, update)
    if changed is None:  # none is ever deleted
        raise Busy("The dispute is being written by others.")
    return changed


async def of_payments(payment_ids: Collection[str], tx: Transaction) -> list[Dispute]:
    """Return all disputes of some payments, by their `_id` in hex."""
    wanted = {"paymentId": {"$in": [*payment_ids]}}
    found = Dispute.get_pymongo_collection().find(wanted, session=tx.session).sort("_id", 1)
    return [Dispute.model_validate(row) for row in await found.to_list()]


def walk_unposted(size: Size) -> AsyncGenerator[Keys, None]:
    """Yield the keys of the payments of disputes whose entries may lack something."""
    collection = Dispute.get_pymongo_collection()
    return walk_parents(collection, UNPOSTED, parent="paymentId", by="updatedAt", size=size)


async def mark_posted(payment_ids: Collection[str], tx: Transaction) -> None:
    """Note that the entries of disputes have all that was read in the same transaction."""
    wanted = {"paymentId": {"$in": [*payment_ids]}}
    await entries.mark_posted(Dispute.get_pymongo_collection(), wanted, tx)


async def known_among(ids: Collection[str]) -> set[str]:
    """Return those of some ids, in hex, that a dispute has."""
    return await known_keys(Dispute.get_pymongo_collection(), ids)


async def by_keys(keys: Keys, tx: Transaction) -> list[Dispute]:
    """Find disputes by their `_id`."""
    found = Dispute.get_pymongo_collection().find({"_id": {"$in": [*keys]}}, session=tx.session)
    return [Dispute.model_validate(row) for row in await found.to_list()]


def walk_near(now: datetime, until: datetime, size: Size) -> AsyncGenerator[Keys, None]:
    """Yield the keys of the disputes that are to be answered until a time, the nearest first."""
    wanted: Row = {
        "status": {"$in": sorted(UNANSWERED)},
        "respondBy": {"$gt": now, "$lte": until},
        "evidenceSubmitted": False,
    }
    return walk_keys(Dispute.get_pymongo_collection(), wanted, by="respondBy", size=size)


async def note_reminded(disputes: Sequence[tuple[Dispute, str]], tx: Transaction) -> None:
    """Note which deadline of each was told of, in the transaction that read them."""
    for dispute, name in disputes:
        await Dispute.get_pymongo_collection().update_one(
            {"_id": dispute.id}, {"$set": {"reminded": name}}, session=tx.session
        )
