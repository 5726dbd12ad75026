"""Notice when the database driver has stopped answering altogether.

Each call ends within a time of its own, also where no database answers. What is under way for much
longer is stuck in the driver and stays so: a lock that nobody holds, seen after failovers. Only
a new process helps, so this one reports that it is not alive, and exits.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog

from service.storage.answering import answers_in_time
from service.storage.database import Database
from service.storage.group_commit.queue import GroupQueue

LOOK_EVERY_S = 1.0
# A call takes three seconds, and one more where it is cleaned up after.
STUCK_AFTER = 10

_PING_WITHIN_S = 1.0

log = structlog.get_logger(__name__)


class Watchdog:
    """Counts at how many looks in a row a group, or its own ping, was under way.

    Looks and not seconds: a process that was stopped, or gets no processor, is not stuck.
    """

    def __init__(self, database: Database, queues: Sequence[GroupQueue[Any, Any]]) -> None:
        """Begin with nothing under way."""
        self.stuck = False
        self._database = database
        self._queues = queues
        self._ping: asyncio.Task[None] | None = None
        self._looks: dict[asyncio.Task[None], int] = {}

    def look(self) -> None:
        """Look once at what is under way."""
        if self._ping is None or self._ping.done():
            self._ping = asyncio.create_task(self._ask(), name="watchdog")
        under_way = {self._ping, *(lane for queue in self._queues for lane in queue.hanging)}
        self._looks = {task: self._looks.get(task, 0) + 1 for task in under_way}
        hanging = [task for task, looks in self._looks.items() if looks > STUCK_AFTER]
        if hanging and not self.stuck:
            self.stuck = True
            log.error(
                "the database's driver is stuck: this process has to be replaced",
                calls=len(hanging),
                ping=self._ping in hanging,
            )

    async def _ask(self) -> None:
        with suppress(Exception):  # whatever it says, it is an answer
            async with answers_in_time(_PING_WITHIN_S):
                await self._database.command("ping")


@asynccontextmanager
async def watching(watchdog: Watchdog) -> AsyncIterator[None]:
    """Look every second for as long as the block lasts."""
    watch = asyncio.create_task(_watch(watchdog), name="watchdog")
    try:
        yield
    finally:
        watch.cancel()  # as it sleeps: the ping is a task of its own, and ends by itself


async def _watch(watchdog: Watchdog) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        watchdog.look()
