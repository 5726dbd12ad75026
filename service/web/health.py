"""Is the process alive, and can it serve: for probes, open to everybody and never limited."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from litestar import Router, get, head
from litestar.handlers import HTTPRouteHandler

from service.core.clock import Clock
from service.core.errors import Unavailable
from service.storage.database import Database
from service.storage.documents import StoredDocument
from service.storage.indexes import find_drift
from service.storage.transactions import answers_in_time
from service.web.authentication import PUBLIC
from service.web.limits.rate_limits import UNLIMITED

Difference: TypeAlias = Callable[[Database], Awaitable[str | None]]
"""Says in which way a database has not the layout that the service needs; None where it has."""

PING_WITHIN_S = 1.0
INDEXES_TRUSTED_FOR = timedelta(seconds=30)


class NotReady(Unavailable):
    """The process runs and can't serve."""

    code = "not_ready"


class Readiness:
    """Asks the database, and every half minute whether its layout and all indexes are there."""

    def __init__(
        self,
        database: Database,
        documents: Sequence[type[StoredDocument]],
        clock: Clock,
        difference: Difference | None = None,
    ) -> None:
        """Nothing is asked yet."""
        self._database = database
        self._documents = documents
        self._clock = clock
        self._difference = difference
        self._trusted_until: datetime | None = None

    async def check(self) -> None:
        """Raise `NotReady` that says what is missing."""
        try:
            # Two clocks: the driver asks again within its own, and ends it late.
            async with asyncio.timeout(PING_WITHIN_S), answers_in_time(PING_WITHIN_S):
                await self._database.command("ping")  # goes to the primary
                await self._check_indexes()
        except NotReady:
            raise
        except (Unavailable, TimeoutError) as error:
            raise NotReady("The database does not answer.") from error

    async def _check_indexes(self) -> None:
        now = self._clock.now()
        if self._trusted_until and now < self._trusted_until:
            return
        found = await self._difference(self._database) if self._difference else None
        if found is not None:
            raise NotReady(found)
        drift = await find_drift(self._database, self._documents)
        missing = [
            f"{found.collection}.{found.index}" for found in drift if found.kind == "missing"
        ]
        if missing:
            raise NotReady(
                f"Indexes are missing: {', '.join(missing)}. Run: tillgate indexes apply"
            )
        self._trusted_until = now + INDEXES_TRUSTED_FOR


def health_routes(readiness: Readiness) -> Router:
    """Build /health/live and /health/ready, for GET and HEAD."""

    @get("/live", summary="The process runs")
    async def live() -> dict[str, str]:
        return {"status": "ok"}

    @get("/ready", summary="The database answers and its indexes are there")
    async def ready() -> dict[str, str]:
        await readiness.check()
        return {"status": "ready", "database": "ok", "indexes": "ok"}

    @head("/live", include_in_schema=False)
    async def live_head() -> None:
        return None

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
