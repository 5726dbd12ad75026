"""Group insert: concurrent inserts into one collection share one command."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from pymongo.errors import DuplicateKeyError

from service.core.errors import Unavailable
from service.storage.answering import answers_in_time, error_of
from service.storage.database import Collection, Row
from service.storage.group_commit.queue import Entry, GroupQueue, Limits
from service.storage.group_commit.timing import within

_BYTES_OF_A_ROW = 2048


class GroupInsert:
    """Inserts rows that come at the same time by one unordered command.

    Guarantee: a caller returns only once its own row is durable, and gets the very error that its
    row would have met alone: a duplicate key fails nobody else. When the command itself fails,
    every row is inserted alone; one that the failed command had inserted is then found by its own
    `_id` and counts as inserted, not as a duplicate.
    """

    def __init__(
        self, collection: Callable[[], Collection], limits: Limits, name: str = "inserts"
    ) -> None:
        """Insert into what `collection` gives, which is asked at each group.

        `name` is that under which it is measured: each needs its own.
        """
        self._collection = collection
        self.queue: GroupQueue[Row, None] = GroupQueue(name, self._carry, limits)

    def insert(self, row: Row) -> Awaitable[None]:
        """Insert a row that has its `_id`. Raises `Duplicate`, `Unavailable`."""
        return self.queue.submit(row, _BYTES_OF_A_ROW)

    async def _carry(self, entries: Sequence[Entry[Row, None]]) -> None:
        errors = await self._together(entries)
        if errors is None:
            await asyncio.gather(*(self._alone(entry) for entry in entries))
            return
        for entry, error in zip(entries, errors, strict=True):
            entry.resolve(error)

    async def _together(self, entries: Sequence[Entry[Row, None]]) -> list[Exception | None] | None:
        """Insert all by one command, and return the error of each; None: it is not known.

        The driver's methods say the same words with more work of their own.
        """
        collection = self._collection()
        words: Row = {
            "insert": collection.name,
            "documents": [entry.item for entry in entries],
            "ordered": False,
            "writeConcern": collection.write_concern.document,
        }
        try:
            async with answers_in_time(within(entries)):
                done = await collection.database.command(words)
        except Exception:  # also of a row that can't be encoded: each meets its own error alone
            return None
        return None if "writeConcernError" in done else _of_each(done, entries)

    async def _alone(self, entry: Entry[Row, None]) -> None:
        """Insert one by the driver's own method, which tries again while the primary changes."""
        try:
            async with answers_in_time(within([entry])):
                await self._insert(entry.item)
        except Exception as error:
            entry.resolve(error)
        else:
            entry.resolve(None)

    async def _insert(self, row: Row) -> None:
        try:
            await self._collection().insert_one(row)
        except DuplicateKeyError as error:
            # The try that failed may have left a row of this `_id`. Whether a majority has it, the
            # error does not tell.
            if (error.details or {}).get("keyPattern") != {"_id": 1}:
                raise
            if await self._collection().find_one({"_id": row["_id"]}, {"_id": 1}) is None:
                raise Unavailable("The row is not durable yet; try again.") from error


def _of_each(done: Row, entries: Sequence[Entry[Row, None]]) -> list[Exception | None]:
    results: list[Exception | None] = [None] * len(entries)
    for failed in done.get("writeErrors", ()):
        results[failed["index"]] = error_of(failed)
    return results
