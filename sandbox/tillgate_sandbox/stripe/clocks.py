"""Named queries on the clocks that move subscriptions."""

from tillgate_sandbox.documents import SandboxClock


async def put_clock(clock: SandboxClock) -> None:
    """Write a clock."""
    collection = SandboxClock.get_pymongo_collection()
    await collection.replace_one({"_id": clock.id}, clock.to_row(), upsert=True)


async def find_clock(clock_id: str) -> SandboxClock | None:
    """Find a clock by its id."""
    row = await SandboxClock.get_pymongo_collection().find_one({"_id": {"$eq": clock_id}})
    return SandboxClock.model_validate(row) if row else None


async def latest_clock() -> SandboxClock | None:
    """Return the clock that was moved farthest, None where there is none."""
    row = await SandboxClock.get_pymongo_collection().find_one({}, sort=[("frozenTime", -1)])
    return SandboxClock.model_validate(row) if row else None


async def delete_clock(clock_id: str) -> None:
    """Delete a clock."""
    await SandboxClock.get_pymongo_collection().delete_one({"_id": {"$eq": clock_id}})


async def every_clock() -> list[SandboxClock]:
    """Return all clocks, the newest first."""
    cursor = SandboxClock.get_pymongo_collection().find({}).sort([("createdAt", -1), ("_id", -1)])
    return [SandboxClock.model_validate(row) for row in await cursor.to_list()]
