"""Streams of events: one for each who listens, bounded, and ended with what let it in."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

import structlog
from msgspec import Struct

from service.core.errors import Forbidden, Unauthenticated, Unavailable
from service.leases.loops import end
from service.notifications.events.operations import encoded, event_of
from service.notifications.events.states import types_heard
from service.notifications.stream.errors import TooManyStreams
from service.notifications.stream.operations.listening import Listeners
from service.notifications.stream.repository import Source, watch
from service.storage.answering import DatabaseError, answers_in_time

MOST_OF_A_MERCHANT: Final = 5
MOST: Final = 40
"""How many streams a process has. Each makes the database read its whole oplog along."""

ROOM: Final = 100
"""How many events wait for one who listens; more wait in the database."""

BEAT_EVERY_S: Final = 15.0
STALLED_S: Final = 60.0
"""After what time without taking anything who listens is gone."""

ASK_EVERY_S: Final = 5.0
"""How often is asked whether who listens may do so still."""

_BEGINS = b"retry: 2000\n\n"

log = structlog.get_logger(__name__)

MayStill = Callable[[], Awaitable[None]]


class Wanted(Struct, frozen=True):
    """What somebody wants to hear.

    `filters` are as `session.*`, `place` is where the last time ended.
    """

    merchant_id: str
    filters: Collection[str]
    place: str | None = None


class Streams:
    """The streams of this process. `stopping` ends all of them at once."""

    def __init__(self, stopping: asyncio.Event, listeners: Listeners) -> None:
        """Begin with none; say among `listeners` to whom is listened."""
        self.stopping = stopping
        self._listeners = listeners
        self._of: Counter[str] = Counter()
        self.under_way: set[asyncio.Task[None]] = set()

    async def listen(self, wanted: Wanted, may_still: MayStill) -> AsyncIterator[bytes]:
        """Return a stream in the form of server-sent events, which are to be taken at once.

        `may_still` raises once the caller may not listen any more. Raises `TooManyStreams`,
        `InvalidInput` and `PlaceLost` for a place that can't be found, `Unavailable`.
        """
        self._take_place(wanted.merchant_id)
        try:
            await self._listeners.note(wanted.merchant_id)
            async with answers_in_time():
                source = await watch(wanted.merchant_id, types_heard(wanted.filters), wanted.place)
        except BaseException:
            self._of[wanted.merchant_id] -= 1
            raise
        outlet = _Outlet(self.stopping)
        reading = asyncio.create_task(self._read(wanted, source, outlet, may_still))
        self.under_way.add(reading)
        reading.add_done_callback(self.under_way.discard)
        return outlet.pieces()

    async def _go_on(self, merchant_id: str, may_still: MayStill) -> None:
        await may_still()
        await self._listeners.note(merchant_id)

    def _take_place(self, merchant_id: str) -> None:
        if self._of[merchant_id] >= MOST_OF_A_MERCHANT:
            raise TooManyStreams("The merchant", MOST_OF_A_MERCHANT)
        if self._of.total() >= MOST:
            raise TooManyStreams("This server", MOST)
        self._of[merchant_id] += 1

    async def _read(
        self, wanted: Wanted, source: Source, outlet: "_Outlet", may_still: MayStill
    ) -> None:
        """Hand on what comes. It ends by itself: a call of the driver must not be cancelled."""
        try:
            await _hand_on(source, outlet, partial(self._go_on, wanted.merchant_id, may_still))
        except (Unauthenticated, Forbidden) as error:
            log.info("a stream of events ends", reason=error.error)
        except DatabaseError as error:
            log.warning("a stream of events was lost", reason=type(error).__name__)
        except Exception:
            log.exception("a stream of events failed")
        finally:
            self._of[wanted.merchant_id] -= 1
            outlet.end()
            with suppress(DatabaseError):
                await source.close()


@asynccontextmanager
async def ending_streams(streams: Streams) -> AsyncIterator[None]:
    """Let no stream outlive the block."""
    try:
        yield
    finally:
        streams.stopping.set()
        await end(lambda: streams.under_way)


async def _hand_on(source: Source, outlet: "_Outlet", may_still: MayStill) -> None:
    outlet.put(_BEGINS)
    beat_at = asked_at = time.monotonic()
    while outlet.is_open:
        if outlet.is_full:
            await outlet.room()
        else:
            came = await source.next()
            now = time.monotonic()
            event = event_of(came.message) if came.message is not None else None
            if event is not None:
                outlet.put(_told(came.place, event.type, encoded(event)))
                beat_at = now
            elif now - beat_at >= BEAT_EVERY_S and not outlet.waiting:
                # Where nothing comes for long the place moves on, too: it must not leave the oplog.
                outlet.put(b": nothing yet\n" + _place(came.place) + b"\n")
                beat_at = now
        if time.monotonic() - asked_at >= ASK_EVERY_S:
            with suppress(Unavailable):
                await may_still()
            asked_at = time.monotonic()


def _told(place: str | None, event_type: str, body: bytes) -> bytes:
    return _place(place) + b"event: %b\ndata: %b\n\n" % (event_type.encode(), body)


def _place(place: str | None) -> bytes:
    return b"" if place is None else b"id: %b\n" % place.encode()


class _Outlet:
    """What waits for one who listens."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._taken = asyncio.Event()
        self._taken_at = time.monotonic()
        self._ended = False

    @property
    def is_open(self) -> bool:
        stalled = self.waiting and time.monotonic() - self._taken_at > STALLED_S
        return not (self._ended or stalled or self._stopping.is_set())

    @property
    def is_full(self) -> bool:
        return self._pieces.qsize() >= ROOM

    @property
    def waiting(self) -> bool:
        return not self._pieces.empty()

    async def room(self) -> None:
        """Wait for a while until something is taken."""
        self._taken.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._taken.wait(), 1)

    def put(self, piece: bytes) -> None:
        if not self.waiting:
            self._taken_at = time.monotonic()
        self._pieces.put_nowait(piece)

    def end(self) -> None:
        self._ended = True
        self._pieces.put_nowait(None)

    async def pieces(self) -> AsyncIterator[bytes]:
        stopped = asyncio.create_task(self._stopping.wait())
        try:
            while (piece := await self._next(stopped)) is not None:
                yield piece
        finally:
            self._ended = True
            stopped.cancel()

    async def _next(self, stopped: "asyncio.Task[bool]") -> bytes | None:
        getting = asyncio.create_task(self._pieces.get())
        await asyncio.wait({getting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not getting.done():
            getting.cancel()
            return None
        self._taken_at = time.monotonic()
        self._taken.set()
        return getting.result()
