"""How fast deliveries begin: who pays just now goes before who is told of it."""

import asyncio
import math
import time
from collections.abc import Callable
from typing import TypeAlias

from service.leases.loops import comes

Carried: TypeAlias = Callable[[], tuple[int, int]]
"""Returns how many groups the hot routes have handed to the database so far, and of how many."""

CROWD = 4
"""Requests that come together are carried together: of so many a group the process is busy."""
FEWEST, MOST = 50, 150
"""Deliveries that begin at a time while it is busy: more of them would hold up the loop."""
WORK_A_ROW_S = 0.003
"""What the process computes for each of these while it is busy: a thirtieth is the sending."""
LONGEST_A_ROW_S = 0.004
"""How long that is waited for, where it computes little: a database that is slow is busy, too."""
CALM_AFTER_S = 0.25
"""So long after the last crowd it is busy no more: between two looks there may just be no group."""
_LOOKS_EVERY_S = 0.01


class Pace:
    """Slows deliveries down for as long as requests of the hot routes wait for each other here.

    It goes by how many of these come together and by the processor's time, on a machine of whatever
    speed. A process that does nothing but send is at its full speed, however much that takes.
    """

    def __init__(self, carried: Carried) -> None:
        """Begin as nobody waits."""
        self._carried = carried
        self._seen = carried()
        self._looked_at = time.process_time(), time.monotonic()
        self._crowd_at = -math.inf
        self._earned = 0
        self.is_busy = False

    def look(self) -> None:
        """Find out whether the process is busy, by what was carried lately."""
        (groups, requests), self._seen = self._seen, self._carried()
        more_groups, more_requests = self._seen[0] - groups, self._seen[1] - requests
        cpu, self._looked_at = self._looked_at[0], (time.process_time(), time.monotonic())
        self._earned = int((self._looked_at[0] - cpu) / WORK_A_ROW_S)
        if more_groups > 0 and more_requests >= CROWD * more_groups:
            self._crowd_at = self._looked_at[1]
        self.is_busy = self._looked_at[1] - self._crowd_at < CALM_AFTER_S

    def step(self, room: int) -> int:
        """Return how many deliveries may begin now, where there is room for some.

        While it is busy, as many as it has computed for: a database that is slow makes no fewer.
        """
        return min(room, max(FEWEST, min(MOST, self._earned))) if self.is_busy else room

    async def rest(self, stopping: asyncio.Event) -> None:
        """Wait, while it is busy, until it has computed enough since the last look."""
        cpu, until = self._looked_at[0], self._looked_at[1] + FEWEST * LONGEST_A_ROW_S
        while self.is_busy and time.monotonic() < until and not stopping.is_set():
            if time.process_time() - cpu >= FEWEST * WORK_A_ROW_S:
                break
            await comes(stopping, _LOOKS_EVERY_S)
