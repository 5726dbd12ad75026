"""Serve an application until a signal: uvicorn in this process, on a socket that we bound."""

import asyncio
import gc
import os
import signal
import socket
import sys
from asyncio import Task
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import uvicorn
import uvloop
from litestar import Litestar

from service.cli.addresses import BACKLOG
from service.cli.connections.door import Guarded
from service.cli.connections.opening import door_of
from service.cli.signals import end_on_sigterm, leave

# For a process that can no longer serve: waiting requests are answered meanwhile (503).
STUCK_ENDS_WITHIN_S = 5.0
EXIT_STUCK = os.EX_TEMPFAIL
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_until_signal(work: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop, as the server does. SIGTERM ends it even before the server has started."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_until_sigterm(work))
        except asyncio.CancelledError:
            leave(signal.SIGTERM, None)


async def _until_sigterm(work: Coroutine[Any, Any, None]) -> None:
    """Cancel the work on SIGTERM, as the runner does on SIGINT.

    An exception from a signal handler would be raised wherever the process happens to be: in a
    callback of the loop or the database driver it would be logged, and the signal lost.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def end() -> None:
        if task is not None:
            task.cancel()
        loop.call_later(1, end)  # `wait_for` in Python 3.11 loses one that arrives with the result

    loop.add_signal_handler(signal.SIGTERM, end)
    await work


async def serve(
    app: Litestar,
    listening: socket.socket,
    *,
    patience_s: int,
    started: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGINT or SIGTERM; then let requests in flight finish, for up to `patience_s`.

    If the database driver is stuck, the process is ended with `EXIT_STUCK`.
    """
    door = door_of(app.state.container.settings)
    config = Guarded(
        app,
        door,
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,  # our own access line says more
        proxy_headers=False,  # TRUSTED_PROXIES decides, in `web.limits.addresses`
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=patience_s,
    )
    # Shutdown waits for requests that run jobs: they must be notified before it begins.
    leaving = app.state.container.jobs.stopping.set
    watchdog = app.state.watchdog
    await _Server(config, started, leaving, lambda: bool(watchdog.stuck)).serve([listening])
    if watchdog.stuck:
        _end_at_once()


class _Server(uvicorn.Server):
    def __init__(
        self,
        config: Guarded,
        started: Callable[[], None],
        leaving: Callable[[], None],
        stuck: Callable[[], bool],
    ) -> None:
        super().__init__(config)
        self._stuck = stuck
        self._door = config.door
        self._when_started = started
        self._when_leaving = leaving
        self._starting: Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._when_leaving()
        super().handle_exit(sig, frame)
        if self._starting is not None:
            # No request is in flight yet, and what the start waits for may never happen.
            self._starting.cancel()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._starting = asyncio.current_task()
        await super().startup(sockets)
        self._starting = None
        self._door.open()
        # What exists now stays: without this, each full collection walks over all of it, 80 ms
        # in which nothing is answered, several times a second under load.
        gc.collect()
        gc.freeze()
        # Reference counting frees what a request leaves behind: collecting rarely is enough.
        gc.set_threshold(10_000, 20, 20)
        self._when_started()

    async def on_tick(self, counter: int) -> bool:
        if not self._stuck():
            return await super().on_tick(counter)
        self._when_leaving()
        # A call that hangs in the driver can't be cancelled: a graceful shutdown would never end.
        asyncio.get_running_loop().call_later(STUCK_ENDS_WITHIN_S, _end_at_once)
        return True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._door.leave()
        await super().shutdown(sockets)
        self._door.close()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle the signals, and do not raise them again.

        uvicorn re-raises a signal once it has shut down; SIGTERM would then end the process before
        the database is closed and the embedded one is stopped.
        """
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
            end_on_sigterm()


def _end_at_once() -> NoReturn:
    sys.stdout.flush()
    os._exit(EXIT_STUCK)
