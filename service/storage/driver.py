"""What is set right in the driver itself, once, before it is used."""

import asyncio
import sys
from collections.abc import Awaitable
from datetime import UTC
from typing import TypeVar

import pymongo.lock
from bson.tz_util import utc

T = TypeVar("T")


def answer_utc_quickly() -> None:
    """Let the driver's UTC answer as the standard library's does, in C.

    It is asked for its offset at each time of each row that is read or compared: a row is decoded a
    quarter faster.
    """
    utc.utcoffset = UTC.utcoffset  # type: ignore[method-assign,assignment]


def wait_in_one_task() -> None:
    """Let the driver wait for its conditions as it does on Python 3.12, where 3.11 loses locks.

    Until 3.12 `asyncio.wait_for` runs the wait in a task of its own. A call that is cancelled while
    that task takes the lock back releases a lock that is another's, and the task takes it for
    nobody: from then on every call waits for ever (docs/decisions/0032).
    """
    if sys.version_info < (3, 12):
        pymongo.lock.wait_for = _wait_for  # type: ignore[attr-defined,assignment]


async def _wait_for(awaitable: Awaitable[T], seconds: float | None) -> T:
    """Wait as `asyncio.wait_for` of Python 3.12 does: cancelled or not, in the caller's task."""
    async with asyncio.timeout(seconds):
        return await awaitable
