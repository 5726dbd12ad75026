"""Have what merchants asked for lately computed ahead, beside the routes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.analytics.operations.caching import WARM_EVERY, Cache
from service.leases.loops import end, repeat


@asynccontextmanager
async def warming(cache: Cache) -> AsyncIterator[None]:
    """Compute answers ahead every five minutes, for as long as the block lasts."""
    stopping = asyncio.Event()

    async def warm() -> None:
        await cache.warm()

    loop = asyncio.create_task(
        repeat(warm, WARM_EVERY.total_seconds(), stopping), name="tillgate-figures"
    )
    try:
        yield
    finally:
        stopping.set()
        await end(lambda: set() if loop.done() else {loop})
