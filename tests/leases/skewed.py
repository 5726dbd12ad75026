"""A process whose clock is wrong, which takes what it is told to, and holds it.

Run as `python -m tests.leases.skewed URI DATABASE OFF_S [trusted]`; `trusted`: it tells the
database what time it is, as every process did before. It answers `ready`, then each line
`take WHAT` by `taken` or `held`, and `keep lease` by `kept` or `lost`.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta

from service.core.lanes import EVERYTHING
from service.inbox import repository as inbox
from service.inbox.documents import WebhookEvent
from service.leases import repository as leases
from service.leases.documents import Lease
from service.leases.repository import Held
from service.outbox import repository as outbox
from service.outbox.documents import Delivery
from service.storage.database import connect
from service.storage.documents import bind
from tests.leases.clocks import Shifted, Trusted

SPAN = timedelta(seconds=60)
NAME, LANE = "test.skewed", "test:"


class Skewed:
    """What one process does by its clock."""

    def __init__(self, clock: Shifted, holder: str) -> None:
        self._clock, self._holder = clock, holder
        self._lease: Held | None = None

    async def answer(self, line: str) -> str:
        """Do what a line says, and return the answer."""
        verb, _, what = line.partition(" ")
        if verb == "keep":
            assert self._lease is not None
            return "kept" if await leases.renew(self._lease) else "lost"
        take: dict[str, Callable[[], Awaitable[object]]] = {
            "lease": self._take_lease,
            "delivery": lambda: outbox.claim(LANE, 1, SPAN, self._clock),
            "event": lambda: inbox.claim_waiting(self._clock, SPAN, EVERYTHING),
        }
        return "taken" if await take[what]() is not None else "held"

    async def _take_lease(self) -> Held | None:
        taken = await leases.claim(NAME, self._holder, SPAN, self._clock)
        self._lease = taken or self._lease
        return taken


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def _main(uri: str, name: str, off_s: str, *how: str) -> None:
    client = connect(uri)
    await bind(client[name], [Lease, Delivery, WebhookEvent])
    kind = Trusted if "trusted" in how else Shifted
    process = Skewed(kind(timedelta(seconds=float(off_s))), off_s)
    _say("ready")
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        _say(await process.answer(line))
    await client.close()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
