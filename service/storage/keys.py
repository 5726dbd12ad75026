"""Walk over the keys of what a query finds, some at a time."""

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
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
    async with aclosing(_walk(collection, wanted, "_id", by, size)) as lists:
        async for rows in lists:
            yield [row["_id"] for row in rows]


async def walk_parents(
    collection: Collection, wanted: Row, *, parent: str, by: str, size: Size
) -> AsyncGenerator[Keys, None]:
    """Return the keys in hex that stand in the field `parent`, each once a list; else as above."""
    async with aclosing(_walk(collection, wanted, parent, by, size)) as lists:
        async for rows in lists:
            yield [ObjectId(key) for key in dict.fromkeys(row[parent] for row in rows)]


async def known_keys(collection: Collection, ids: Iterable[str]) -> set[str]:
    """Return those of some keys, in hex, that there are."""
    wanted = {"_id": {"$in": [ObjectId(one) for one in ids]}}
    async with answers_in_time(_WITHIN_S):
        return {str(row["_id"]) for row in await collection.find(wanted, {"_id": 1}).to_list()}


async def _walk(
    collection: Collection, wanted: Row, name: str, by: str, size: Size
) -> AsyncGenerator[list[Row], None]:
    found = collection.find(wanted, {name: 1}).sort(by, 1).batch_size(_READ_AHEAD)
    async with found as cursor:
        while True:
            async with answers_in_time(_WITHIN_S):
                rows = await cursor.to_list(size if isinstance(size, int) else size())
            if not rows:
                return
            yield rows
