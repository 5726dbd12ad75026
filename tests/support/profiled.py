"""What a database is asked, as its own profiler has it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.storage.database import Database, Row


@asynccontextmanager
async def profiled(database: Database) -> AsyncIterator[list[Row]]:
    """Gather what the database did, of every operation."""
    await database.command("profile", 0)
    await database.drop_collection("system.profile")
    await database.create_collection("system.profile", capped=True, size=64_000_000)
    await database.command("profile", 2)
    done: list[Row] = []
    try:
        yield done
    finally:
        await database.command("profile", 0)
        done += await database["system.profile"].find({"op": {"$exists": True}}).to_list()
        await database.drop_collection("system.profile")
