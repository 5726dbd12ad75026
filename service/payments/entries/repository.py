"""Named queries on the bookings."""

from collections.abc import AsyncGenerator, Sequence

from service.payments.entries.documents import UNPOSTED, Entry
from service.storage.answering import answers_in_time
from service.storage.database import Collection, Row
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import LookUp, Question, Transaction

_WITHIN_S = 30


def of_objects(object_ids: Sequence[str]) -> Question:
    """Ask for all entries of some objects."""
    return Question(
        Entry.get_pymongo_collection(), (LookUp("objectId", tuple(dict.fromkeys(object_ids))),)
    )


async def find_of(object_ids: Sequence[str], tx: Transaction = NO_TRANSACTION) -> list[Entry]:
    """Find all entries of some objects, by object, oldest first."""
    rows = await tx.look_up(of_objects(object_ids))
    return sorted(map(Entry.model_validate, rows), key=_place)


async def insert(rows: Sequence[Row], tx: Transaction) -> None:
    """Insert entries. Raises `Duplicate` where somebody else has posted for one of the objects."""
    if rows:
        await tx.insert_new(Entry.get_pymongo_collection(), rows)


async def mark_posted(rows: Collection, wanted: Row, tx: Transaction) -> None:
    """Note that the entries of some rows have all that was read in the same transaction."""
    posted = {"$set": {"unposted": False}}
    await rows.update_many({**wanted, **UNPOSTED}, posted, session=tx.session)


def _place(entry: Entry) -> tuple[str, int]:
    return entry.object_id, int(entry.id.rpartition(":")[2])


async def walk_all(
    size: int, merchant_id: str | None = None
) -> AsyncGenerator[Sequence[Entry], None]:
    """Yield all entries, or a merchant's, in lists by object; close it at the end.

    Raises `Unavailable`.
    """
    wanted: Row = {} if merchant_id is None else {"merchantId": merchant_id}
    found = Entry.get_pymongo_collection().find(wanted).sort("objectId", 1).batch_size(size)
    async with found as cursor:
        while True:
            async with answers_in_time(_WITHIN_S):
                rows = await cursor.to_list(size)
            if not rows:
                return
            yield [Entry.model_validate(row) for row in rows]
