"""One connection: uvicorn's, which also counts its input and knows whom it is waiting for.

uvicorn 0.54 with httptools accepts endless headers, waits for ever for input that does not arrive,
and adds the trailers of a chunked body to the headers after these were checked.
"""

from asyncio import AbstractEventLoop, Transport
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from service.cli.connections import refusals
from service.cli.connections.refusals import Refusal

if TYPE_CHECKING:
    from service.cli.connections.door import Door, Guarded

# Header fields of one request: many small ones cost more than their bytes.
MOST_FIELDS = 100
# Requests that wait behind one that is being answered.
MOST_AHEAD = 16
HEALTH = frozenset({b"/health/live", b"/health/ready"})
# What the framing of a body (sizes of chunks, their extensions, trailers) may add to it: one chunk
# per byte adds five times its size.
_FRAMING, _FRAMING_TIMES = 65_536, 6


class Stage(Enum):
    """Whose turn it is on a connection."""

    HEAD = auto()  # the client's: a request has begun, or the first is expected
    BODY = auto()  # the client's
    OURS = auto()
    IDLE = auto()  # answered; the next request may arrive
    CLOSING = auto()  # nothing more is read; the client takes the rest of an answer


class _Stopped(Exception):
    """Nothing more is read from this connection."""


class Connection(HttpToolsProtocol):
    """A connection that a door can judge: its `stage`, and `since` when it has been in it.

    `stuck_since` is when the client stopped reading an answer; `only_health` means without a place.
    """

    def __init__(
        self,
        config: "Guarded",
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        """Begin as uvicorn does, with the limits of the configuration's door."""
        super().__init__(config, server_state, app_state, _loop)
        self._door: Door = config.door
        self.stage = Stage.HEAD
        self.since = self._door.now
        self.stuck_since: float | None = None
        self.only_health = False
        self._asked = False  # anything, since it was made
        # Bytes of the head, or of the body, that is being read; those in which it began are left
        # out where something else ended in them. And those that are a body's own.
        self._seen = self._content = 0
        self._why: Refusal = refusals.MALFORMED

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Ask the door for a place."""
        super().connection_made(transport)
        self._door.let_in(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the place."""
        super().connection_lost(exc)
        self._door.gone(self)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the connection is being closed."""
        if self.stage is Stage.CLOSING:
            return
        if self.stage is Stage.IDLE:
            self._enter(Stage.HEAD)
        self._seen += len(data)
        HttpToolsProtocol.data_received(self, data)
        if not self._seen:
            return  # a whole request, as is nearly always the case
        if self.stage is Stage.BODY:
            if self._seen - self._content > _FRAMING + _FRAMING_TIMES * self._content:
                self.refuse(refusals.FRAMING_TOO_LARGE)
        elif self._seen > self._door.head_bytes:
            self.refuse(refusals.HEADERS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Begin to answer, by the application or by a refusal instead.

        Whatever is raised here means that there is no request: the stage is still that of the head.
        """
        if len(self.pipeline) >= MOST_AHEAD:
            self._why = refusals.TOO_MANY_AT_ONCE
            raise _Stopped
        refusal = self._refusal()
        if refusal is not None:
            self._door.note(refusal)
        self.app = refusal or self.config.loaded_app
        HttpToolsProtocol.on_headers_complete(self)  # raises for an address without a path
        self.stage = Stage.BODY
        self.since = self._door.now
        self._asked = True
        if self.only_health or refusal is not None or self.parser.should_upgrade():
            self.cycle.keep_alive = False
        self.headers = []  # trailers go here: the request's own headers were checked
        self._seen = self._content = 0

    def _refusal(self) -> Refusal | None:
        door, headers = self._door, self.headers
        if len(self.url) > door.address_bytes:
            return refusals.ADDRESS_TOO_LONG
        if len(headers) > MOST_FIELDS:
            return refusals.HEADERS_TOO_LARGE
        # Nothing was counted if another message ended in the same bytes.
        most = door.header_bytes
        if not 0 < self._seen <= most and self._header_bytes() > most:
            return refusals.HEADERS_TOO_LARGE
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or not hosts[0]:
            if hosts or self.parser.get_http_version() != "1.0":
                return refusals.NO_HOST
        elif door.answers_to is not None and not door.answers_to(hosts[0].decode("latin-1")):
            return refusals.OTHER_HOST
        if self.only_health and self.url.partition(b"?")[0] not in HEALTH:
            return refusals.FULL
        return None

    def _header_bytes(self) -> int:
        return sum(len(name) + len(value) + 4 for name, value in self.headers)

    def on_body(self, body: bytes) -> None:
        """Receive a part of a body."""
        self._content += len(body)
        HttpToolsProtocol.on_body(self, body)

    def on_message_complete(self) -> None:
        """Note that it is our turn now, unless it was answered before it was complete."""
        HttpToolsProtocol.on_message_complete(self)
        self._seen = 0
        self.stage = Stage.IDLE if self.cycle.response_complete else Stage.OURS
        self.since = self._door.now

    def on_response_complete(self) -> None:
        """Continue with a pipelined request, else it is the client's turn.

        Instead of uvicorn's own, which sets and cancels a timer for each request: the door finds
        idle connections.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self.stage is Stage.OURS:
            self.stage = Stage.IDLE
            self.since = self._door.now

    def pause_writing(self) -> None:
        """Note that the client has stopped reading."""
        super().pause_writing()
        self.stuck_since = self._door.now

    def resume_writing(self) -> None:
        """Note that it reads again."""
        super().resume_writing()
        self.stuck_since = None

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not a request, or was cut off."""
        self.refuse(self._why)

    def refuse(self, why: Refusal) -> None:
        """End the connection, and say why if a request waits for an answer."""
        if self.stage is Stage.CLOSING or self.transport.is_closing():
            return
        announced = self._waits_for_word()
        self._enter(Stage.CLOSING)
        if self._asked and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if announced:
            self._door.note(why)
            self.transport.write(why.written())
        if announced and self._door.may_linger(self):
            # What is still arriving is read and dropped: otherwise a reset would make the client
            # drop our answer.
            self.transport.write_eof()
            self.flow.resume_reading()
        else:
            self.end()

    def waits_for_client(self) -> bool:
        """Return whether nothing happens here until the client sends more."""
        if self.stage is Stage.BODY:
            return not self.pipeline
        between = self.stage is Stage.IDLE or self.stage is Stage.HEAD
        return between and (not self._asked or self.cycle.response_complete)

    def _waits_for_word(self) -> bool:
        """Return whether a request, or the beginning of one, is still unanswered."""
        if not self.waits_for_client():
            return False
        return self._seen > 0 if self.stage is not Stage.BODY else not self.cycle.response_started

    def close_begins(self) -> None:
        """Note that uvicorn has closed it, and that the client has yet to read an answer."""
        self._enter(Stage.CLOSING)

    def end(self) -> None:
        """Close; at once if the client does not read its answer."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def _enter(self, stage: Stage) -> None:
        self.stage = stage
        self.since = self._door.now
