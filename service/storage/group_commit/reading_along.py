"""Read along in a set of one member, so that what is written alone is durable at once.

A write that must survive waits until mongod has seen that no write before it is missing. Where
somebody waits for more of the oplog, as every secondary does, mongod looks at once; where nobody
does, it looks at the next full millisecond, to look less often (`_updateOplogVisibilityLoop` in its
wiredtiger_oplog_manager.cpp, `waitForNoOplogHolesIfNeeded` in write_concern.cpp). That is more than
all the rest of a lone write takes. A set with secondaries needs no such reader.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import structlog

from service.storage.database import Collection, Database
from service.storage.group_commit.queue import GroupQueue

Queues: TypeAlias = Sequence[GroupQueue[Any, Any]]

# It is never written to: the reader waits, and hears nothing.
_NOTHING = "nothing"

_LOOK_EVERY_S = 0.25
_FIRST_REST_S, _LONGEST_REST_S = 1.0, 60.0
_END_WITHIN_S = 4.0

# From this mean on, groups wait for one another and not for a tick.
_MANY = 2.0

log = structlog.get_logger(__name__)


@asynccontextmanager
async def reading_along(database: Database, queues: Queues) -> AsyncIterator[None]:
    """Read along for as long as the block lasts, except while calls come in groups.

    The reader costs mongod a few microseconds for each write, which is felt only under load; and
    there it helps nobody.
    """
    hello = await database.client.admin.command("hello")
    members = [*hello.get("hosts", ()), *hello.get("passives", ()), *hello.get("arbiters", ())]
    if len(members) != 1:
        yield
        return
    stopping = asyncio.Event()
    run = _keep_reading(database[_NOTHING], queues, stopping)
    reader = asyncio.create_task(run, name="reading-along")
    try:
        yield
    finally:
        stopping.set()
        # It ends by itself, and is not cancelled: the driver might go on, or lose the socket.
        await asyncio.wait({reader}, timeout=_END_WITHIN_S)


class _Rests:
    """How long to rest after each failure in a row: a failover is over in seconds."""

    def __init__(self) -> None:
        self._longest = _FIRST_REST_S

    def went_well(self) -> None:
        self._longest = _FIRST_REST_S

    def next(self) -> float:
        """Draw from the upper half: the processes of a service must not all return at once."""
        drawn = random.uniform(self._longest / 2, self._longest)  # noqa: S311
        self._longest = min(2 * self._longest, _LONGEST_REST_S)
        return round(drawn, 2)


async def _keep_reading(collection: Collection, queues: Queues, stopping: asyncio.Event) -> None:
    rests = _Rests()
    while not stopping.is_set():
        try:
            await _read(collection, queues, stopping, rests)
        except Exception as error:
            # Whatever it is, nothing is lost by it but a part of a millisecond.
            rest_s = rests.next()
            log.warning(
                "not reading along: lone writes take longer", reason=str(error), rest_s=rest_s
            )
            await _pause(stopping, rest_s)


async def _read(
    collection: Collection, queues: Queues, stopping: asyncio.Event, rests: _Rests
) -> None:
    async with await collection.watch(max_await_time_ms=int(_LOOK_EVERY_S * 1000)) as stream:
        mean = 0.0
        while not stopping.is_set():
            before = _carried(queues)
            if mean < _MANY:
                await stream.try_next()
                rests.went_well()
            else:
                await _pause(stopping, _LOOK_EVERY_S)
            mean = _mean_group(before, _carried(queues))


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)


def _carried(queues: Queues) -> tuple[int, int]:
    """Return how many groups were carried so far, and how many items in them."""
    return sum(queue.groups for queue in queues), sum(queue.items for queue in queues)


def _mean_group(before: tuple[int, int], now: tuple[int, int]) -> float:
    groups, items = now[0] - before[0], now[1] - before[1]
    return items / groups if groups else 0.0
