"""The door: how many connections are open, which are too slow, and which must give way."""

import asyncio
import time
from collections import Counter
from typing import Any

import structlog
import uvicorn

from service.cli.connections import refusals
from service.cli.connections.connection import Connection, Stage
from service.cli.connections.files import RESERVE
from service.cli.connections.hosts import Accepts
from service.cli.connections.refusals import Refusal
from service.web.settings import ConnectionSettings

# A client sends its request at once. So when all places are taken, one that stalls in the middle
# of a request gives way after this time; between two requests, at once.
_LEAST_S = 1.0
# How long a client that hangs may delay a shutdown.
LEAVING_S = 5.0
_LINGER_S = 2.0
_LOOK_EVERY_S = 0.5
_REPORT_EVERY_S = 10.0

log = structlog.get_logger(__name__)


class Door:
    """Limits the connections of a process, at no cost per request."""

    def __init__(self, limits: ConnectionSettings, answers_to: Accepts | None = None) -> None:
        """Begin with no connection. Without `answers_to` any `Host` is accepted.

        `now` is the loop's time at the last check: close enough, and free to read.
        """
        self.now = time.monotonic()
        self.limits = limits
        self.answers_to = answers_to
        self.header_bytes, self.address_bytes = limits.header_bytes, limits.address_bytes
        self.head_bytes = self.header_bytes + self.address_bytes
        self._inside: dict[Connection, None] = {}
        self._ripe: list[tuple[float, Connection]] = []
        self._ripe_at = 0.0
        self.leaving_at: float | None = None
        self._noted: Counter[str] = Counter()
        self._reported_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._patience = {
            Stage.HEAD: limits.headers_within_s,
            Stage.BODY: limits.body_within_s,
            Stage.IDLE: limits.idle_s,
        }

    def open(self) -> None:
        """Begin to check, every half second."""
        self.look()

    def leave(self) -> None:
        """Wait for clients no longer than `LEAVING_S`: the process is shutting down."""
        self.leaving_at = asyncio.get_running_loop().time()

    def close(self) -> None:
        """Stop checking."""
        if self._timer is not None:
            self._timer.cancel()

    def note(self, refusal: Refusal) -> None:
        """Count what was refused, for the log."""
        self._noted[refusal.error] += 1

    def let_in(self, connection: Connection) -> None:
        """Find a place: a free one, one that another gives up, or one for health only."""
        self._inside[connection] = None
        if self._within(self.limits.most) or self._make_room(asyncio.get_running_loop().time()):
            return
        connection.only_health = True
        if not self._within(self.limits.most + RESERVE):
            self._push_out_a_placeless(connection)

    def gone(self, connection: Connection) -> None:
        """Forget a connection."""
        self._inside.pop(connection, None)

    def may_linger(self, connection: Connection) -> bool:
        """Return whether there is room for a connection that only reads our last answer."""
        free = self._within(self.limits.most) and not connection.only_health
        return free and self.leaving_at is None

    def _within(self, most: int) -> bool:
        return len(self._inside) <= most

    def _make_room(self, now: float) -> bool:
        """Close the one that has waited longest for its client; return whether there was one."""
        if not self._ripe and now - self._ripe_at >= _LOOK_EVERY_S / 5:
            self._ripe_at = now
            waiting = [(one.since, one) for one in self._inside if _may_give_way(one, now)]
            self._ripe = sorted(waiting, key=_since)[::-1]
        while self._ripe:
            since, one = self._ripe.pop()
            if one.since == since and one in self._inside and not one.transport.is_closing():
                one.refuse(refusals.GAVE_WAY)
                return True
        return False

    def _push_out_a_placeless(self, newcomer: Connection) -> None:
        """Keep the newest connection: a probe asks for health at once."""
        placeless = (one for one in self._inside if one.only_health and one.stage is Stage.HEAD)
        oldest = next(placeless, newcomer)
        self.note(refusals.FULL)
        oldest.transport.write(refusals.FULL.written())
        oldest.transport.close()
        self.gone(oldest)

    def look(self) -> None:
        """Close what has taken too long, log what was refused, and check again later."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        # While this process was suspended, it read nothing: the delay is not the clients'.
        late = max(0.0, now - self.now - 2 * _LOOK_EVERY_S)
        self.now = now
        for connection in tuple(self._inside):
            connection.since += late
            self._judge(connection, now)
        if self._noted and now - self._reported_at >= _REPORT_EVERY_S:
            self._reported_at = now
            log.warning("connections refused", **self._noted)
            self._noted.clear()
        self.close()
        self._timer = loop.call_later(_LOOK_EVERY_S, self.look)

    def _judge(self, connection: Connection, now: float) -> None:
        if connection.transport.is_closing() and connection.stage is not Stage.CLOSING:
            connection.close_begins()
        stuck = connection.stuck_since
        if stuck is not None and self._is_over(stuck, self.limits.answer_within_s, now):
            connection.transport.abort()
        elif connection.stage is Stage.CLOSING:
            closing = connection.transport.is_closing()
            patience = self.limits.answer_within_s if closing else _LINGER_S
            if self._is_over(connection.since, patience, now):
                connection.transport.abort()
        elif connection.waits_for_client():
            if self._is_over(connection.since, self._patience[connection.stage], now):
                connection.refuse(refusals.TOO_SLOW)

    def _is_over(self, since: float, patience: float, now: float) -> bool:
        leaving = self.leaving_at
        return now - since > patience or (
            leaving is not None and now - max(since, leaving) > LEAVING_S
        )


class Guarded(uvicorn.Config):
    """uvicorn's configuration, with the door that its connections pass."""

    def __init__(self, app: Any, door: Door, **options: Any) -> None:
        """Have the connections made by `Connection`."""
        super().__init__(app, http=Connection, **options)
        self.door = door


def _may_give_way(connection: Connection, now: float) -> bool:
    if connection.transport.is_closing() or not connection.waits_for_client():
        return False
    return connection.stage is Stage.IDLE or now - connection.since > _LEAST_S


def _since(entry: tuple[float, Connection]) -> float:
    return entry[0]
