"""Batched load: concurrent reads by one unique key share one query."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import structlog
from bson import ObjectId
from pymongo.read_concern import ReadConcern

from service.storage.answering import answers_in_time
from service.storage.database import Collection, Row
from service.storage.group_commit.queue import Entry, GroupQueue, Limits
from service.storage.group_commit.timing import within

Key: TypeAlias = tuple[str, str]
Look: TypeAlias = Callable[[Sequence[Key], Collection], Awaitable[dict[Key, Row]]]
Primary: TypeAlias = tuple[tuple[str, int | None], ObjectId | None]

# A primary that was just elected does not know yet how far the majority has come: its majority
# reads can be behind what was acknowledged before. A linearizable one waits until it knows, for up
# to 100 ms, and from then on its majority reads are behind no more.
_CERTAIN = ReadConcern("linearizable")

log = structlog.get_logger(__name__)


class TooLarge(Exception):
    """The rows of a group are more than the 16 MB of one answer."""


class BatchedLoad:
    """Reads rows by the two fields of a unique index by one `find` with `$in`.

    Guarantee: the query begins after the call, so a caller sees what was committed before it asked,
    as with a query of its own. The first row that a primary does not find is looked for again with
    certainty, so that nothing acknowledged is missing after a failover. Behind a router, which does
    not say who is primary, each would be, and hold up the others for 100 ms: there none is. A query
    that fails is repeated for each caller alone. Callers that ask for the same row share it and
    must not change it.
    """

    def __init__(
        self, collection: Callable[[], Collection], fields: tuple[str, str], limits: Limits
    ) -> None:
        """Read by these fields; the values of the second are looked up together."""
        self._collection = collection
        self._fields = fields
        # Whose majority reads are known to be behind no more.
        self._certain: Primary | None = None
        self.queue: GroupQueue[Key, Row | None] = GroupQueue("loads", self._carry, limits)

    def load(self, first: str, second: str) -> Awaitable[Row | None]:
        """Return the row of a key, None where there is none. Raises `Unavailable`."""
        return self.queue.submit((first, second))

    async def _carry(self, entries: Sequence[Entry[Key, Row | None]]) -> None:
        try:
            async with answers_in_time(within(entries, 0.5)):
                found = await self._certainly([entry.item for entry in entries], self._together)
        except Exception:  # also of a key that can't be encoded: it fails for its caller alone
            log.debug("a batched load is repeated one by one", exc_info=True)
            await asyncio.gather(*(self._alone(entry) for entry in entries))
            return
        for entry in entries:
            entry.resolve(found.get(entry.item))

    async def _certainly(self, keys: Sequence[Key], look: Look) -> dict[Key, Row]:
        certain = self._certain  # before the query, which may be answered after another's
        found = await look(keys, self._collection())
        missing = [key for key in keys if key not in found]
        if missing and (now := primary_of(self._collection())) != certain:
            found |= await look(missing, self._collection().with_options(read_concern=_CERTAIN))
            self._certain = now
        return found

    async def _together(self, keys: Sequence[Key], collection: Collection) -> dict[Key, Row]:
        first, second = self._fields
        wanted: dict[str, set[str]] = {}
        for one, other in keys:
            wanted.setdefault(one, set()).add(other)
        found: dict[Key, Row] = {}
        for one, others in wanted.items():
            query = {first: one, second: {"$in": list(others)}}
            for row in await self._find(query, collection):
                found[one, row[second]] = row
        return found

    async def _each(self, keys: Sequence[Key], collection: Collection) -> dict[Key, Row]:
        """Find by the driver's own method, which tries again while the primary changes."""
        first, second = self._fields
        rows = [await collection.find_one({first: one, second: {"$eq": two}}) for one, two in keys]
        return {key: row for key, row in zip(keys, rows, strict=True) if row is not None}

    async def _find(self, query: Row, collection: Collection) -> list[Row]:
        """Find rows by one command. Raises `TooLarge` where they don't fit into one answer."""
        words: Row = {
            "find": collection.name,
            "filter": query,
            "batchSize": self.queue.limits.items + 1,  # one more: then it knows that it is done
            "readConcern": collection.read_concern.document,
        }
        say = collection.database.command
        cursor = (await say(words, codec_options=collection.codec_options))["cursor"]
        if cursor["id"]:
            await say({"killCursors": collection.name, "cursors": [cursor["id"]]})
            raise TooLarge
        rows: list[Row] = cursor["firstBatch"]
        return rows

    async def _alone(self, entry: Entry[Key, Row | None]) -> None:
        try:
            async with answers_in_time(within([entry])):
                found = await self._certainly([entry.item], self._each)
                entry.resolve(found.get(entry.item))
        except Exception as error:
            entry.resolve(error)


def primary_of(collection: Collection) -> Primary | None:
    """Return who is primary, and by which election; None behind a router, which does not say."""
    members = collection.database.client.topology_description.server_descriptions().values()
    return next(
        ((one.address, one.election_id) for one in members if one.server_type_name == "RSPrimary"),
        None,
    )
