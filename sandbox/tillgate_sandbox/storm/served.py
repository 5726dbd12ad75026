"""Serve an application on a socket for as long as a block lasts, beside whatever else runs."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from litestar import Litestar

# As a server in production: none of the storm's connections is closed in between.
_KEEP_ALIVE_S = 75


@asynccontextmanager
async def served(app: Litestar, listening: socket.socket) -> AsyncIterator[None]:
    """Run uvicorn in this loop for as long as the block lasts; signals stay whose they are."""
    config = uvicorn.Config(
        app,
        log_config=None,
        ws="none",
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=3,
    )
    server = _Quiet(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    await server.up.wait()
    try:
        yield
    finally:
        server.should_exit = True
        await task


class _Quiet(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
