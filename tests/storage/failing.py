"""A database that stalls or fails on command (failCommand, on the test server only)."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import ConnectionFailure

from service.storage.database import Client

EVERYTHING = [
    "aggregate",
    "bulkWrite",
    "commitTransaction",
    "count",
    "delete",
    "find",
    "findAndModify",
    "insert",
    "update",
]
_STALL_MS = 6000


@asynccontextmanager
async def failing(client: Client, commands: list[str], **how: Any) -> AsyncIterator[None]:
    """Let commands of the service's clients fail for as long as the block lasts.

    Afterwards it waits until the service's client has found its primary again: after some errors
    that is the next heartbeat, up to ten seconds away.
    """
    address = await client.address
    assert address is not None
    mode = how.pop("mode", "alwaysOn")
    data = {"failCommands": commands, "appName": "tillgate", **how}
    # By a client of its own: the service's may believe that there is no primary any more.
    async with AsyncMongoClient[dict[str, Any]](*address, directConnection=True) as by_hand:
        fail: dict[str, Any] = {"configureFailPoint": "failCommand"}
        await by_hand.admin.command(fail | {"mode": mode, "data": data})
        try:
            yield
        finally:
            await by_hand.admin.command(fail | {"mode": "off"})
            await _recovered(client)


async def _recovered(client: Client) -> None:
    for _ in range(5):
        try:
            await client.admin.command("ping")
        except ConnectionFailure:
            continue  # it waited for three seconds itself
        return


def stalling(
    client: Client, commands: list[str] | None = None, for_ms: int = _STALL_MS
) -> AbstractAsyncContextManager[None]:
    """Let commands hang, by default for longer than we wait."""
    return failing(client, commands or EVERYTHING, blockConnection=True, blockTimeMS=for_ms)
