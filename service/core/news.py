"""News: rows that this process has written, for one of its loops to process."""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager


class News:
    """Those who wait for rows of some kinds, to be woken when one is written."""

    def __init__(self) -> None:
        """Begin with nobody who waits."""
        self._waiting: dict[asyncio.Event, frozenset[str]] = {}

    @contextmanager
    def subscribed(self, kinds: Collection[str]) -> Iterator[asyncio.Event]:
        """Yield an event that is set whenever a row of one of these kinds is written."""
        event = asyncio.Event()
        self._waiting[event] = frozenset(kinds)
        try:
            yield event
        finally:
            del self._waiting[event]

    def notify(self, kinds: Collection[str]) -> None:
        """Wake those who wait for rows of these kinds; the commit may be a moment away."""
        for event, wanted in self._waiting.items():
            if not wanted.isdisjoint(kinds):
                event.set()


WRITTEN = News()
"""The one of this process."""

EVENTS = "webhook_events"
"""The kind of an event that waits to be tried again; messages are known by their topics."""
