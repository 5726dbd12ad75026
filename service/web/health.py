"""Liveness and readiness: for probes, open to everybody and never limited."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from litestar import Router, get, head
from litestar.handlers import HTTPRouteHandler

from service.core.clock import Clock
from service.core.errors import Unavailable
from service.storage.answering import answers_in_time
from service.storage.database import Database
from service.storage.documents import StoredDocument
from service.storage.indexes import find_drift
from service.web.authentication import PUBLIC
from service.web.limits.rate_limits import UNLIMITED

Difference: TypeAlias = Callable[[Database], Awaitable[str | None]]
"""Returns how the database's layout differs from the one that is required; None if it fits."""

Stuck: TypeAlias = Callable[[], bool]
"""Returns whether the database driver has stopped answering altogether."""

PING_WITHIN_S = 1.0
# About twenty commands. Probes don't wait for them: they get 503 while the check goes on.
LAYOUT_WITHIN_S = 10.0
INDEXES_TRUSTED_FOR = timedelta(seconds=30)
_SILENT = "The database does not answer."


class NotReady(Unavailable):
    """The process is running but can't serve."""

    code = "not_ready"


class NotAlive(Unavailable):
    """The process is running but will never serve again."""

    code = "not_alive"


class Readiness:
    """Checks the database, and every half minute that its layout and all indexes are in place."""

    def __init__(
        self,
        database: Database,
        documents: Sequence[type[StoredDocument]],
        clock: Clock,
        difference: Difference | None = None,
    ) -> None:
        """Begin without asking anything."""
        self._database = database
        self._documents = documents
        self._clock = clock
        self._difference = difference
        self._trusted_until: datetime | None = None
        self._look: asyncio.Task[str | None] | None = None

    async def check(self) -> None:
        """Raise `NotReady`, which names what is missing, unless nothing is.

        Concurrent probes share one check, which is never cancelled: a call that is cancelled
        while it waits for a primary may leave the driver's locks held (docs/decisions/0032).
        """
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._look_once(), name="readiness")
        await asyncio.wait({self._look}, timeout=PING_WITHIN_S)
        missing = self._look.result() if self._look.done() else _SILENT
        if missing is not None:
            raise NotReady(missing)

    async def _look_once(self) -> str | None:
        """Return what is missing, in words."""
        try:
            async with answers_in_time(PING_WITHIN_S):
                await self._database.command("ping")  # goes to the primary
            async with answers_in_time(LAYOUT_WITHIN_S):
                return await self._look_at_layout()
        except Unavailable:
            return _SILENT

    async def _look_at_layout(self) -> str | None:
        now = self._clock.now()
        if self._trusted_until and now < self._trusted_until:
            return None
        found = await self._difference(self._database) if self._difference else None
        if found is not None:
            return found
        drift = await find_drift(self._database, self._documents)
        missing = [
            f"{found.collection}.{found.index}" for found in drift if found.kind == "missing"
        ]
        if missing:
            return f"Indexes are missing: {', '.join(missing)}. Run: tillgate migrate"
        self._trusted_until = now + INDEXES_TRUSTED_FOR
        return None


def health_routes(readiness: Readiness, stuck: Stuck) -> Router:
    """Build /health/live and /health/ready, for GET and HEAD."""

    def check_alive() -> None:
        if stuck():
            raise NotAlive("The database driver is stuck. This process is about to be replaced.")

    @get(
        "/live",
        operation_id="checkLiveness",
        summary="The process runs, and its database's driver is not stuck",
    )
    async def live() -> dict[str, str]:
        check_alive()
        return {"status": "ok"}

    @get(
        "/ready",
        operation_id="checkReadiness",
        summary="The database answers and its indexes are there",
    )
    async def ready() -> dict[str, str]:
        await readiness.check()
        return {"status": "ready", "database": "ok", "indexes": "ok"}

    @head("/live", include_in_schema=False)
    async def live_head() -> None:
        check_alive()

    @head("/ready", include_in_schema=False)
    async def ready_head() -> None:
        await readiness.check()

    handlers: list[HTTPRouteHandler] = [live, ready, live_head, ready_head]
    return Router(
        "/health",
        route_handlers=handlers,
        opt={PUBLIC: True, UNLIMITED: True},
        tags=["Health"],
    )
