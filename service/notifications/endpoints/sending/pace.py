"""How fast deliveries begin: who pays just now goes before who is told of it."""

import asyncio
import time

from service.core.rush import Carried, Rush
from service.leases.loops import comes

FEWEST, MOST = 50, 150
"""Deliveries that begin at a time while it is busy: more of them would hold up the loop."""
WORK_A_ROW_S = 0.003
"""What the process computes for each of these while it is busy: a thirtieth is the sending."""
LONGEST_A_ROW_S = 0.004
"""How long that is waited for, where it computes little: a database that is slow is busy, too."""
_LOOKS_EVERY_S = 0.01


class Pace:
    """Slows deliveries down for as long as requests of the hot routes wait for each other here.

    It goes by how many of these come together and by the processor's time, on a machine of whatever
    speed. A process that does nothing but send is at its full speed, however much that takes.
    """

    def __init__(self, carried: Carried) -> None:
        """Begin as nobody waits."""
        self._rush = Rush(carried)
        self._looked_at = time.process_time(), time.monotonic()
        self._earned = 0

    @property
    def is_busy(self) -> bool:
        """Return whether requests waited for each other at the last look."""
        return self._rush.is_on

    def look(self) -> None:
        """Find out whether the process is busy, by what was carried lately."""
        self._rush.look()
        cpu, self._looked_at = self._looked_at[0], (time.process_time(), time.monotonic())
        self._earned = int((self._looked_at[0] - cpu) / WORK_A_ROW_S)

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
