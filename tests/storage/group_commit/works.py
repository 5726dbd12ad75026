"""Works that count rows, for the tests of the group transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from bson import ObjectId
from pymongo.asynchronous.collection import AsyncCollection

from service.storage.database import Row
from service.storage.group_commit.transactions import GroupTransaction
from service.storage.transaction import LookUp, Question, Transaction
from tests.storage.group_commit.conftest import Words

Rows = AsyncCollection[Row]
Work = Callable[[Transaction], Awaitable[Any]]


async def all_at_once(group: GroupTransaction, *works: Work) -> list[Any]:
    """Run works at once, and return what each is told."""
    return await asyncio.gather(*(group.run(work, 0) for work in works), return_exceptions=True)


async def find_row(rows: Rows, tx: Transaction, name: str, by: str = "name") -> Row | None:
    """Look a row up by a transaction."""
    found = await tx.look_up(Question(rows, (LookUp(by, (name,), fixed={"shop": "a"}),)))
    return found[0] if found else None


def count_up(rows: Rows, name: str, by: str = "name") -> Work:
    """Make a work that counts a row up, or makes it, and gives its number."""

    async def work(tx: Transaction) -> int:
        row = await find_row(rows, tx, name, by)
        if row is None:
            new = {"_id": ObjectId(), "shop": "a", "name": name, "n": 1}
            await tx.insert(rows, new)
            return 1
        n = int(row["n"])
        await tx.update(rows, {"_id": row["_id"], "n": n}, {"$set": {"n": n + 1}})
        return n + 1

    return work


async def counts(rows: Rows) -> dict[str, int]:
    """Return the number of each row."""
    return {row["name"]: row["n"] for row in await rows.find({}).to_list()}


async def make_rows(rows: Rows, words: Words, *names: str) -> None:
    """Make rows that stand at nought."""
    await rows.insert_many([{"shop": "a", "name": name, "n": 0, "also": name} for name in names])
    words.sent.clear()
