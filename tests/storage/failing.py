"""A database that stalls or fails on command (failCommand, on the test server only)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

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


@asynccontextmanager
async def failing(client: Client, commands: list[str], **how: Any) -> AsyncIterator[None]:
    """Let commands of the service's clients fail for as long as the block lasts."""
    mode = how.pop("mode", "alwaysOn")
    data = {"failCommands": commands, "appName": "tillgate", **how}
    await client.admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": data})
    try:
        yield
    finally:
        await client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})


def stalling(client: Client, commands: list[str] | None = None) -> Any:
    """Let commands hang for longer than we wait."""
    return failing(client, commands or EVERYTHING, blockConnection=True, blockTimeMS=4500)
