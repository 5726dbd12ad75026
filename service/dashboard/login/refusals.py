"""Refused sign-ins: counted here, and audited at most once a minute.

Guessing keys must not cause database writes: one process makes one entry a minute.
Each try also has its line in the access log.
"""

import asyncio
from datetime import datetime, timedelta

import structlog
from msgspec import Struct

from service.audit.operations import Act, record
from service.core.clock import Clock
from service.core.errors import Unavailable
from service.core.principal import DEFAULT_MERCHANT
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION

EVERY = timedelta(minutes=1)
_MOST_NAMED = 20

log = structlog.get_logger(__name__)


class _Stranger(Struct, frozen=True):
    """Somebody without a valid key: `client` is the keyed hash of their address."""

    client: str | None
    merchant_id: str = DEFAULT_MERCHANT
    label: str = "stranger"


class _Counted:
    def __init__(self) -> None:
        self.tries = 0
        self.clients: set[str] = set()


class Refusals:
    """Refused sign-ins that are not audited yet."""

    def __init__(self, clock: Clock) -> None:
        """Begin with none."""
        self._clock = clock
        self._counted = _Counted()
        self._reported_at: datetime | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reporting: asyncio.Task[None] | None = None

    async def note(self, client: str | None) -> None:
        """Count one. The first is recorded at once, later ones together after a minute."""
        self._counted.tries += 1
        if client is not None and len(self._counted.clients) < _MOST_NAMED:
            self._counted.clients.add(client)
        if self._reported_at is None or self._clock.now() - self._reported_at >= EVERY:
            await self.report()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(EVERY.total_seconds(), self._report_later)

    async def report(self) -> None:
        """Record all that were counted in one entry; if that fails, keep them for the next."""
        counted, self._counted = self._counted, _Counted()
        if not counted.tries:
            return
        now = self._reported_at = self._clock.now()
        log.warning("sign-ins refused", tries=counted.tries, clients=len(counted.clients))
        named = sorted(counted.clients)
        act = Act(
            "dashboard.sign_in_refused",
            "dashboard",
            detail={"tries": counted.tries, "clients": list(named)},
        )
        try:
            async with answers_in_time():
                await record(
                    NO_TRANSACTION, _Stranger(named[0] if len(named) == 1 else None), act, now
                )
        except Unavailable:
            self._counted.tries += counted.tries
            self._counted.clients |= counted.clients

    async def aclose(self) -> None:
        """Record what is left, at the end of the process."""
        if self._timer is not None:
            self._timer.cancel()
        await self.report()

    def _report_later(self) -> None:
        self._timer = None
        self._reporting = asyncio.ensure_future(self.report())
