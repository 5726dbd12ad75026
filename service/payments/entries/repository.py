"""Named queries on the bookings."""

from collections.abc import Sequence

from service.payments.entries.documents import Entry
from service.storage.database import Row
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import LookUp, Question, Transaction


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


def _place(entry: Entry) -> tuple[str, int]:
    return entry.object_id, int(entry.id.rpartition(":")[2])
