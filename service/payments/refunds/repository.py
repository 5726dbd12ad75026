"""Named queries on refunds."""

from collections.abc import AsyncGenerator, Collection
from datetime import datetime

from msgspec import Struct

from service.core.errors import Busy
from service.core.paging import Cursor, Swept
from service.payments.entries import repository as entries
from service.payments.entries.documents import UNPOSTED
from service.payments.refunds.documents import Refund
from service.payments.refunds.states import RESERVED, RefundStatus
from service.providers.registry import REGISTRY
from service.storage.database import NOW_WRITTEN, WRITTEN_AT, Row
from service.storage.keys import Keys, Size, known_keys, walk_parents
from service.storage.paging import Walk, read_page
from service.storage.sweeps import sweep
from service.storage.transaction import LookUp, Question, Transaction

# In the words of the partial index, which is used for no other query.
_INDEXED = {"$type": "string"}
_ON_THEIR_WAY = {"$in": sorted(RESERVED)}
_AWAITS_PERSON: Row = {"needsPerson": {"$ne": None}}


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


async def find(merchant_id: str, refund_id: str, tx: Transaction) -> Refund | None:
    """Find a merchant's refund by our id."""
    wanted = LookUp("refundId", (refund_id,), fixed={"merchantId": merchant_id})
    rows = await tx.look_up(Question(Refund.get_pymongo_collection(), (wanted,)))
    return Refund.model_validate(rows[0]) if rows else None


async def find_by_any_id(merchant_id: str, any_id: str) -> list[Refund]:
    """Find a merchant's refunds by our id or by its provider's: two accounts may have one of it."""
    theirs = {"provider": {"$in": [*REGISTRY]}, "providerRefundId": {"$eq": any_id, **_INDEXED}}
    wanted: Row = {"$or": [{"refundId": {"$eq": any_id}}, theirs], "merchantId": merchant_id}
    rows = await Refund.get_pymongo_collection().find(wanted).to_list(100)
    return [Refund.model_validate(row) for row in rows]


class RefundFilter(Struct, frozen=True):
    """Which refunds of a merchant are wanted; None wants all. `payment_id` is our own.

    `needs_person` wants those alone of which nobody can tell whether they were made.
    """

    status: RefundStatus | None = None
    payment_id: str | None = None
    user_id: str | None = None
    needs_person: bool = False


async def page(
    merchant_id: str, filters: RefundFilter, *, cursor: Cursor | None, limit: int
) -> tuple[list[Refund], Cursor | None]:
    """Return a page of a merchant's refunds, newest first, and where the next one begins."""
    walk = Walk(
        wanted={"merchantId": merchant_id, **_filters(filters)},
        also=_AWAITS_PERSON if filters.needs_person else {},
        by="createdAt",
        index="merchant_status_createdAt" if filters.needs_person else None,
    )
    rows, following = await read_page(
        Refund.get_pymongo_collection(), walk, cursor=cursor, limit=limit
    )
    return [Refund.model_validate(row) for row in rows], following


async def page_of_changed(
    merchant_id: str, filters: RefundFilter, since: datetime, *, cursor: Cursor | None, limit: int
) -> Swept[Refund]:
    """Return a page of the refunds that were changed since a moment, the oldest change first."""
    walk = Walk(
        wanted={"merchantId": merchant_id},
        also=_filters(filters) | (_AWAITS_PERSON if filters.needs_person else {}),
        by=WRITTEN_AT,
        index="merchant_writtenAt",
        ascending=True,
    )
    swept = await sweep(Refund.get_pymongo_collection(), walk, since, cursor=cursor, limit=limit)
    found = [Refund.model_validate(row) for row in swept.found]
    return Swept(found, swept.following, swept.until)


def _filters(filters: RefundFilter) -> Row:
    wanted: Row = {"status": filters.status.value} if filters.status else {}
    if filters.needs_person:
        # What has ended needs nobody any more, whatever its row says.
        named = {filters.status or RefundStatus.PROCESSING} & {RefundStatus.PROCESSING}
        wanted = {"status": {"$in": sorted(named)}}
    wanted |= {"paymentId": {"$eq": filters.payment_id}} if filters.payment_id else {}
    return wanted | ({"userId": {"$eq": filters.user_id}} if filters.user_id else {})


async def insert(row: Row, tx: Transaction) -> None:
    """Insert the row of a refund. Raises `Duplicate` if another transaction was quicker."""
    await tx.insert(Refund.get_pymongo_collection(), row)


async def change(refund: Refund, changes: Row, move: Row | None, tx: Transaction) -> Refund:
    """Set fields of a refund that was read in the same transaction, and add a move of it."""
    update: Row = {"$set": changes, **NOW_WRITTEN}
    if move is not None:
        update["$push"] = {"history": move}
    changed = await tx.change(refund, {"refundId": refund.refund_id}, update)
    if changed is None:  # none is ever deleted
        raise Busy("The refund is being written by others.")
    return changed


async def move(
    refund: Refund, given: RefundStatus, changes: Row, move: Row, tx: Transaction
) -> Refund | None:
    """Move a refund on from a state that was read; None where it is not in that one any more."""
    wanted = {"refundId": refund.refund_id, "status": given.value}
    update = {"$set": changes, "$push": {"history": move}, **NOW_WRITTEN}
    return await tx.change(refund, wanted, update)


async def change_unanswered(
    refund: Refund, changes: Row, tx: Transaction, move: Row | None = None
) -> Refund | None:
    """Change a refund that its provider was asked for; None where it has reported it since."""
    wanted: Row = {
        "refundId": refund.refund_id,
        "status": RefundStatus.PROCESSING.value,
        "providerRefundId": None,
        "attempts": refund.attempts,
    }
    update: Row = {"$set": changes, **NOW_WRITTEN}
    if move is not None:
        update["$push"] = {"history": move}
    return await tx.change(refund, wanted, update)


async def find_silent(since: datetime, limit: int) -> list[Refund]:
    """Find refunds on their way that nobody has reported since a time, longest first."""
    wanted = {"status": _ON_THEIR_WAY, "updatedAt": {"$lte": since}}
    found = Refund.get_pymongo_collection().find(wanted).sort("updatedAt", 1).limit(limit)
    return [Refund.model_validate(row) for row in await found.to_list()]


async def count_silent(since: datetime) -> int:
    """Count the refunds on their way that nobody has reported since a time."""
    wanted = {"status": _ON_THEIR_WAY, "updatedAt": {"$lte": since}}
    return await Refund.get_pymongo_collection().count_documents(wanted)


async def count_awaiting_person() -> dict[str, int]:
    """Count, by merchant, the refunds of which nobody can tell whether they were made."""
    wanted: Row = {"status": _ON_THEIR_WAY, **_AWAITS_PERSON}
    key = {"merchantId": "$merchantId", "status": "$status"}
    found = await Refund.get_pymongo_collection().aggregate(
        [{"$match": wanted}, {"$group": {"_id": key, "n": {"$sum": 1}}}], hint="reserved_updatedAt"
    )
    processing = RefundStatus.PROCESSING.value
    rows = [row async for row in found if row["_id"]["status"] == processing]
    return {row["_id"]["merchantId"]: row["n"] for row in rows}


async def note_asked(refund_id: str, now: datetime, tx: Transaction) -> bool:
    """Note that somebody asked about a refund; return whether it is still on its way."""
    wanted = {"refundId": refund_id, "status": _ON_THEIR_WAY}
    noted = await Refund.get_pymongo_collection().update_one(
        wanted, {"$set": {"updatedAt": now}, **NOW_WRITTEN}, session=tx.session
    )
    return noted.matched_count == 1


async def of_payments(payment_ids: Collection[str], tx: Transaction) -> list[Refund]:
    """Return all refunds of some payments, by their `_id` in hex."""
    wanted = {"paymentId": {"$in": [*payment_ids]}}
    found = Refund.get_pymongo_collection().find(wanted, session=tx.session).sort("_id", 1)
    return [Refund.model_validate(row) for row in await found.to_list()]


def walk_unposted(size: Size) -> AsyncGenerator[Keys, None]:
    """Yield the keys of the payments of refunds whose entries may lack something."""
    collection = Refund.get_pymongo_collection()
    return walk_parents(collection, UNPOSTED, parent="paymentId", by="updatedAt", size=size)


async def mark_posted(payment_ids: Collection[str], tx: Transaction) -> None:
    """Note that the entries of refunds have all that was read in the same transaction."""
    wanted = {"paymentId": {"$in": [*payment_ids]}}
    await entries.mark_posted(Refund.get_pymongo_collection(), wanted, tx)


async def known_among(ids: Collection[str]) -> set[str]:
    """Return those of some ids, in hex, that a refund has."""
    return await known_keys(Refund.get_pymongo_collection(), ids)
