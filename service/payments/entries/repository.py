"""Named queries on the bookings."""

from collections.abc import AsyncGenerator, Sequence

from service.payments.entries.documents import UNPOSTED, Entry
from service.storage.answering import answers_in_time
from service.storage.database import BY_ID, WRITTEN_AT, Collection, DatabaseTime, Row
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


async def lines_of(object_ids: Sequence[str], tx: Transaction) -> list[Row]:
    """Find of some objects' entries what they are of and their lines, as they are stored."""
    found = Entry.get_pymongo_collection().find(
        {"objectId": {"$in": [*object_ids]}},
        {"_id": 0, "objectId": 1, "lines": 1},
        hint="objectId",
        session=tx.session,
    )
    return await found.to_list()


async def posted_after(
    merchant_id: str, after: DatabaseTime, tx: Transaction
) -> list[tuple[str, str]]:
    """Return of what a merchant's entries were written after a time: kinds and ids."""
    found = Entry.get_pymongo_collection().find(
        {"merchantId": merchant_id, WRITTEN_AT: {"$gt": after}},
        {"kind": 1, "objectId": 1},
        hint="merchant_writtenAt",
        session=tx.session,
    )
    return [(row["kind"], row["objectId"]) for row in await found.to_list()]


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
    size: int, merchant_id: str | None = None, after: str | None = None
) -> AsyncGenerator[Sequence[Entry], None]:
    """Yield all entries, or a merchant's, in lists, those after one of them; close it at the end.

    Raises `Unavailable`.
    """
    by = ["_id"] if merchant_id is None else ["postedAt", "_id"]
    wanted = {} if merchant_id is None else {"merchantId": merchant_id}
    wanted |= await _beyond(after, by) if after is not None else {}
    found = Entry.get_pymongo_collection().find(wanted).sort([(name, 1) for name in by])
    index = BY_ID if merchant_id is None else "merchant_postedAt"
    async with found.hint(index).batch_size(size) as cursor:
        while True:
            async with answers_in_time(_WITHIN_S):
                rows = await cursor.to_list(size)
            if not rows:
                return
            yield [Entry.model_validate(row) for row in rows]


async def _beyond(after: str, by: Sequence[str]) -> Row:
    """Return the query for what comes after an entry, which is never changed or deleted."""
    if by == ["_id"]:
        return {"_id": {"$gt": after}}
    async with answers_in_time(_WITHIN_S):
        row = await Entry.get_pymongo_collection().find_one({"_id": after}, {"postedAt": 1})
    if row is None:
        return {}
    at = row["postedAt"]
    return {"postedAt": {"$gte": at}, "$or": [{"postedAt": {"$gt": at}}, {"_id": {"$gt": after}}]}
