"""Walk over the keys of what a query finds, some at a time."""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TypeAlias

from bson import ObjectId

from service.storage.answering import answers_in_time
from service.storage.database import Collection, Row

Key: TypeAlias = ObjectId
Keys: TypeAlias = Sequence[Key | str]
Size: TypeAlias = int | Callable[[], int]
"""How many keys make a batch; a function where that changes on the way."""

# A key is small: several batches of them are read at once.
_READ_AHEAD = 200
_WITHIN_S = 30


async def walk_keys(
    collection: Collection, wanted: Row, *, by: str, size: Size
) -> AsyncGenerator[Keys, None]:
    """Return the `_id`s of what is found, lowest `by` first, in lists of `size`; close at the end.

    One cursor for all of it. Who works off a queue by asking for its head again and again has the
    database step over all that was taken before: their index entries are there for minutes after.
    What was read may have changed since, so a change by these keys filters again. Raises
    `Unavailable`.
    """
    found = collection.find(wanted, {"_id": 1}).sort(by, 1).batch_size(_READ_AHEAD)
    async with found as cursor:
        while True:
            async with answers_in_time(_WITHIN_S):
                rows = await cursor.to_list(size if isinstance(size, int) else size())
            if not rows:
                return
            yield [row["_id"] for row in rows]
