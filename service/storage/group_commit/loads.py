"""Batched load: concurrent reads by one unique key ride in one query."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import structlog
from pymongo.read_concern import ReadConcern

from service.storage.answering import answers_in_time
from service.storage.database import Collection, Row
from service.storage.group_commit.queue import Entry, GroupQueue, Limits
from service.storage.group_commit.timing import within

Key: TypeAlias = tuple[str, str]

# A primary that was just elected does not know yet how far the majority has come: its majority
# reads can be behind what was acknowledged before. A linearizable one waits until it knows.
_CERTAIN = ReadConcern("linearizable")

log = structlog.get_logger(__name__)


class TooLarge(Exception):
    """The rows of a group are more than the 16 MB of one answer."""


class BatchedLoad:
    """Reads rows by the two fields of a unique index by one `find` with `$in`.

    Guarantee: the query begins after the call, so a caller sees what was committed before it asked,
    as with a query of its own. A row that is not found is looked for again with certainty, so that
    nothing acknowledged is missing after a failover. A query that fails is repeated for each caller
    alone. Callers that ask for the same row share it and must not change it.
    """

    def __init__(
        self, collection: Callable[[], Collection], fields: tuple[str, str], limits: Limits
    ) -> None:
        """Read by these fields; the values of the second are looked up together."""
        self._collection = collection
        self._fields = fields
        self.queue: GroupQueue[Key, Row | None] = GroupQueue(self._carry, limits)

    def load(self, first: str, second: str) -> Awaitable[Row | None]:
        """Return the row of a key, None where there is none. Raises `Unavailable`."""
        return self.queue.submit((first, second))

    async def _carry(self, entries: Sequence[Entry[Key, Row | None]]) -> None:
        try:
            async with answers_in_time(within(entries, 0.5)):
                keys = [entry.item for entry in entries]
                found = await self._together(keys)
                if missing := [key for key in keys if key not in found]:
                    found |= await self._together(missing, _CERTAIN)
        except Exception:  # also of a key that can't be encoded: it fails for its caller alone
            log.debug("a batched load is repeated one by one", exc_info=True)
            await asyncio.gather(*(self._alone(entry) for entry in entries))
            return
        for entry in entries:
            entry.tell(found.get(entry.item))

    async def _together(
        self, keys: Sequence[Key], concern: ReadConcern | None = None
    ) -> dict[Key, Row]:
        first, second = self._fields
        wanted: dict[str, set[str]] = {}
        for one, other in keys:
            wanted.setdefault(one, set()).add(other)
        found: dict[Key, Row] = {}
        for one, others in wanted.items():
            for row in await self._find({first: one, second: {"$in": list(others)}}, concern):
                found[one, row[second]] = row
        return found

    async def _find(self, query: Row, concern: ReadConcern | None) -> list[Row]:
        """Find rows by one command. Raises `TooLarge` where they don't fit into one answer."""
        collection = self._collection()
        words: Row = {
            "find": collection.name,
            "filter": query,
            "batchSize": self.queue.limits.items + 1,  # one more: then it knows that it is done
            "readConcern": (concern or collection.read_concern).document,
        }
        say = collection.database.command
        cursor = (await say(words, codec_options=collection.codec_options))["cursor"]
        if cursor["id"]:
            await say({"killCursors": collection.name, "cursors": [cursor["id"]]})
            raise TooLarge
        rows: list[Row] = cursor["firstBatch"]
        return rows

    async def _alone(self, entry: Entry[Key, Row | None]) -> None:
        first, second = self._fields
        wanted = {first: entry.item[0], second: {"$eq": entry.item[1]}}
        try:
            async with answers_in_time(within([entry])):
                rows = self._collection()
                found = await rows.find_one(wanted)
                if found is None:
                    found = await rows.with_options(read_concern=_CERTAIN).find_one(wanted)
                entry.tell(found)
        except Exception as error:
            entry.tell(error)
