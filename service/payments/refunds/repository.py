"""Named queries on refunds."""

from collections.abc import AsyncGenerator, Collection

from service.core.errors import Busy
from service.payments.refunds.documents import Refund
from service.storage.database import Row
from service.storage.keys import Keys, Size, known_keys, walk_parents
from service.storage.transaction import LookUp, Question, Transaction

_UNPOSTED = {"unposted": True}

# In the words of the partial index, which is used for no other query.
_INDEXED = {"$type": "string"}


def by_reported(
    provider: str, account: str, provider_refund_id: str, refund_id: str | None
) -> Question:
    """Ask for the refunds that a provider may mean: by its own id, and by ours where it says it."""
    fixed = {"provider": provider, "account": account}
    theirs = LookUp("providerRefundId", (provider_refund_id,), fixed=fixed, also=_INDEXED)
    ours = LookUp("refundId", (refund_id,) if refund_id else (), fixed=fixed)
    return Question(Refund.get_pymongo_collection(), (theirs, ours))


async def find_reported(
    provider: str, account: str, provider_refund_id: str, refund_id: str | None, tx: Transaction
) -> list[Refund]:
    """Find the refunds that a provider may mean, two at most."""
    rows = await tx.look_up(by_reported(provider, account, provider_refund_id, refund_id))
    return [Refund.model_validate(row) for row in rows]


async def of_payment(payment_id: str, tx: Transaction) -> list[Refund]:
    """Return all refunds of one payment, by its `_id` in hex."""
    wanted = LookUp("paymentId", (payment_id,))
    rows = await tx.look_up(Question(Refund.get_pymongo_collection(), (wanted,)))
    return [Refund.model_validate(row) for row in rows]


async def insert(row: Row, tx: Transaction) -> None:
    """Insert the row of a refund. Raises `Duplicate` if another transaction was quicker."""
    await tx.insert(Refund.get_pymongo_collection(), row)


async def change(refund: Refund, changes: Row, move: Row | None, tx: Transaction) -> Refund:
    """Set fields of a refund that was read in the same transaction, and add a move of it."""
    update: Row = {"$set": changes}
    if move is not None:
        update["$push"] = {"history": move}
    changed = await tx.change(refund, {"refundId": refund.refund_id}, update)
    if changed is None:  # none is ever deleted
        raise Busy("The refund is being written by others.")
    return changed


async def of_payments(payment_ids: Collection[str], tx: Transaction) -> list[Refund]:
    """Return all refunds of some payments, by their `_id` in hex."""
    wanted = {"paymentId": {"$in": [*payment_ids]}}
    found = Refund.get_pymongo_collection().find(wanted, session=tx.session).sort("_id", 1)
    return [Refund.model_validate(row) for row in await found.to_list()]


def walk_unposted(size: Size) -> AsyncGenerator[Keys, None]:
    """Yield the keys of the payments of refunds whose entries may lack something."""
    collection = Refund.get_pymongo_collection()
    return walk_parents(collection, _UNPOSTED, parent="paymentId", by="updatedAt", size=size)


async def mark_posted(payment_ids: Collection[str], tx: Transaction) -> None:
    """Note that the entries of refunds have all that was read in the same transaction."""
    await Refund.get_pymongo_collection().update_many(
        {"paymentId": {"$in": [*payment_ids]}, **_UNPOSTED},
        {"$set": {"unposted": False}},
        session=tx.session,
    )


async def known_among(ids: Collection[str]) -> set[str]:
    """Return those of some ids, in hex, that a refund has."""
    return await known_keys(Refund.get_pymongo_collection(), ids)
