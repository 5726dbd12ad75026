"""What SIGTERM does to a command: the process ends, and stops what it started."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


def end_on_sigterm() -> None:
    """Make SIGTERM end the process as Ctrl-C does, so that what was started is stopped.

    The first process of a container has no default handler: until then SIGTERM is ignored.
    """
    signal.signal(signal.SIGTERM, leave)


@contextmanager
def told_to_stop() -> Iterator[asyncio.Event]:
    """Yield an event that SIGINT and SIGTERM set, instead of ending what runs in the middle.

    In a running loop, and in its main thread.
    """
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    heard = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(one) for one in heard]
    for one in heard:
        loop.add_signal_handler(one, stopping.set)
    try:
        yield stopping
    finally:
        for one, handler in zip(heard, before, strict=True):
            loop.remove_signal_handler(one)
            signal.signal(one, handler)


def leave(number: int, _: object) -> NoReturn:
    """Exit with the code that a shell gives to a process ended by a signal."""
    sys.exit(128 + number)
