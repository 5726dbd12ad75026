"""Batched load: concurrent reads by one unique key ride in one query."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeAlias

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import PyMongoError

from service.core.errors import Unavailable
from service.storage.database import Row
from service.storage.group_commit.queue import Entry, GroupQueue, Limits
from service.storage.group_commit.timing import within
from service.storage.transactions import answers_in_time

Collection: TypeAlias = AsyncCollection[Row]
Key: TypeAlias = tuple[str, str]


class BatchedLoad:
    """Reads rows by the two fields of a unique index by one `find` with `$in`.

    Guarantee: the query begins after the call, so a caller sees what was committed before it asked,
    as with a query of its own. A query that fails is repeated for each caller alone. Callers that
    ask for the same row share it and must not change it.
    """

    def __init__(
        self, collection: Callable[[], Collection], fields: tuple[str, str], limits: Limits
    ) -> None:
        """Read by these fields; the values of the second are looked up together."""
        self._collection = collection
        self._fields = fields
        self.queue: GroupQueue[Key, Row | None] = GroupQueue(self._carry, limits)

    async def load(self, first: str, second: str) -> Row | None:
        """Give the row of a key, None where there is none. Raises `Unavailable`."""
        return await self.queue.submit((first, second))

    async def _carry(self, entries: Sequence[Entry[Key]]) -> list[Row | Exception | None]:
        if len(entries) > 1:
            try:
                async with answers_in_time(within(entries, 0.5)):
                    return list(await self._together([entry.item for entry in entries]))
            except (PyMongoError, Unavailable):
                pass
        return list(await asyncio.gather(*(self._alone(entry) for entry in entries)))

    async def _together(self, keys: Sequence[Key]) -> list[Row | None]:
        first, second = self._fields
        wanted: dict[str, set[str]] = {}
        for one, other in keys:
            wanted.setdefault(one, set()).add(other)
        found: dict[Key, Row] = {}
        for one, others in wanted.items():
            query = {first: one, second: {"$in": list(others)}}
            for row in await self._collection().find(query).to_list():
                found[one, row[second]] = row
        return [found.get(key) for key in keys]

    async def _alone(self, entry: Entry[Key]) -> Row | Exception | None:
        first, second = self._fields
        try:
            async with answers_in_time(within([entry])):
                return await self._collection().find_one(
                    {first: entry.item[0], second: {"$eq": entry.item[1]}}
                )
        except (PyMongoError, Unavailable) as error:
            return error
