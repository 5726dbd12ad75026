"""What the database tells of itself, and how its client fares."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pymongo.errors import OperationFailure

from service.core.measures import CONNECTIONS, QUEUED, Figure, add_observed
from service.storage.answering import answers_in_time
from service.storage.database import Client, Database, Row
from service.storage.documents import StoredDocument
from service.storage.group_commit.queue import GroupQueue

SAMPLE_EVERY_S = 1.0
_UNAUTHORIZED = 13


async def stored_figures(
    database: Database, documents: Sequence[type[StoredDocument]]
) -> list[Figure]:
    """Return rows and bytes of each collection, uses of each index, and what age has deleted.

    The latter two are counted by the member that is asked, since it was started. What our user of
    the database may not ask is left out. Raises `Unavailable`.
    """
    rows: dict[tuple[str, ...], float] = {}
    size: dict[tuple[str, ...], float] = {}
    uses: dict[tuple[str, ...], float] = {}
    async with answers_in_time():
        for name in sorted({document.collection_name() for document in documents}):
            stats = await _stats(database, name)
            rows[(name,)] = stats.get("count", 0)
            size[(name,)] = stats.get("storageSize", 0) + stats.get("totalIndexSize", 0)
            for index in stats.get("indexes", ()):
                uses[name, index["name"]] = index["accesses"]["ops"]
        deleted = await _deleted_by_age(database)
    return [
        Figure("tillgate_rows", "Rows of each collection", ("collection",), rows),
        Figure("tillgate_stored_bytes", "Bytes on disk, indexes included", ("collection",), size),
        Figure(
            "tillgate_index_uses",
            "Uses of each index since the member of the set was started",
            ("collection", "index"),
            uses,
            "counter",
        ),
        *deleted,
    ]


async def _stats(database: Database, name: str) -> Row:
    """Return count and sizes of a collection, and how often each index was used; {} without it."""
    collection = database[name]
    try:
        found = await (await collection.aggregate([{"$collStats": {"storageStats": {}}}])).to_list()
        stats: Row = found[0]["storageStats"] if found else {}
        uses = await (await collection.aggregate([{"$indexStats": {}}])).to_list()
    except OperationFailure as error:
        if error.code == _UNAUTHORIZED or "not found" in str(error):
            return {}
        raise
    return stats | {"indexes": uses}


async def _deleted_by_age(database: Database) -> list[Figure]:
    try:
        status = await database.client.admin.command({"serverStatus": 1, "metrics": 1})
    except OperationFailure as error:
        if error.code != _UNAUTHORIZED:
            raise
        return []
    count = status["metrics"]["ttl"]["deletedDocuments"]
    name = "tillgate_deleted_by_age"
    words = "Rows that TTL indexes have deleted since the member of the set was started"
    return [Figure(name, words, (), {(): count}, "counter")]


@asynccontextmanager
async def sampling(client: Client, queues: Sequence[GroupQueue[Any, Any]]) -> AsyncIterator[None]:
    """Measure every second what this process holds, and add what it gathered, in the block."""
    task = asyncio.create_task(_sample_forever(client, queues), name="sampling")
    try:
        yield
    finally:
        task.cancel()
        add_observed()


async def _sample_forever(client: Client, queues: Sequence[GroupQueue[Any, Any]]) -> None:
    while True:
        sample(client, queues)
        add_observed()
        await asyncio.sleep(SAMPLE_EVERY_S)


def sample(client: Client, queues: Sequence[GroupQueue[Any, Any]]) -> None:
    """Measure this process's connections to the database, and what waits for its groups."""
    # The driver tells listeners of each change, for 7 us of every call; looking costs nothing.
    pools = [server.pool for server in client._topology._servers.values()]
    in_use = sum(pool.active_sockets for pool in pools)
    CONNECTIONS.labels("in use").set(in_use)
    CONNECTIONS.labels("open").set(in_use + sum(len(pool.conns) for pool in pools))
    for queue in queues:
        QUEUED.labels(queue.name).set(queue.waiting)
