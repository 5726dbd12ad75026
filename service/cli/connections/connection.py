"""One connection: uvicorn's, which counts what comes and knows since when it waits for whom.

uvicorn 0.54 with httptools takes headers without an end, waits for ever for what does not come, and
puts the trailers of a chunked body among the headers, after these were looked at.
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
# What the framing of a body (sizes of chunks, their extensions, trailers) may take beside it: a
# chunk for each byte takes five times as much.
_FRAMING, _FRAMING_TIMES = 65_536, 6


class Stage(Enum):
    """Whose turn it is on a connection."""

    HEAD = auto()  # the client's: a request has begun, or the first is due
    BODY = auto()  # the client's
    OURS = auto()
    IDLE = auto()  # answered; the next request may come
    CLOSING = auto()  # nothing more is heard; what is left of an answer is being taken


class _Stopped(Exception):
    """Nothing more is read from this connection."""


class Connection(HttpToolsProtocol):
    """A connection that a door can judge: its `stage`, and `since` when it has been in it.

    `stuck_since` is when the client ceased to take an answer; `only_health` one that has no place.
    """

    def __init__(
        self,
        config: "Guarded",
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        """Begin as uvicorn does; what is allowed stands in the configuration's door."""
        super().__init__(config, server_state, app_state, _loop)
        self.stage = Stage.HEAD
        self.since = self.loop.time()
        self.stuck_since: float | None = None
        self.only_health = False
        self._door: Door = config.door
        self._asked = False  # anything, since it was made
        self._chunk = 0  # bytes that are being read
        # Of what the client is about: the bytes read; those of them that came together with its
        # beginning, and may be something else's; and those that are a body's own.
        self._seen = self._first = self._content = 0
        self._why: Refusal = refusals.MALFORMED

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Ask the door for a place."""
        super().connection_made(transport)
        self._door.let_in(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the place to others."""
        super().connection_lost(exc)
        self._door.gone(self)

    def data_received(self, data: bytes) -> None:
        """Read on, unless nothing more is heard."""
        if self.stage is Stage.CLOSING:
            return
        self._chunk = len(data)
        self._seen += self._chunk
        super().data_received(data)
        if self.stage is Stage.HEAD or self.stage is Stage.IDLE:
            if self._seen - self._first > self._door.head_bytes:
                self.refuse(refusals.HEADERS_TOO_LARGE)
        elif self.stage is Stage.BODY:
            framing = self._seen - self._first - self._content
            if framing > _FRAMING + _FRAMING_TIMES * self._content:
                self.refuse(refusals.FRAMING_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin a request; the first has been due since the connection was made."""
        super().on_message_begin()
        if self.stage is not Stage.HEAD:
            self._enter(Stage.HEAD)
        self._seen = self._first = self._chunk

    def on_headers_complete(self) -> None:
        """Begin to answer: by the application, or by a refusal in its place."""
        self._enter(Stage.BODY)
        if len(self.pipeline) >= MOST_AHEAD:
            self._why = refusals.TOO_MANY_AT_ONCE
            raise _Stopped
        refusal = self._refusal()
        if refusal is not None:
            self._door.note(refusal)
        self.app = refusal or self.config.loaded_app
        super().on_headers_complete()
        self._asked = True
        if self.only_health or refusal is not None or self.parser.should_upgrade():
            self.cycle.keep_alive = False
        self.headers = []  # where trailers go now: the request's own were looked at
        self._seen = self._first = self._chunk
        self._content = 0

    def _refusal(self) -> Refusal | None:
        limits, most = self._door.limits, self._door.limits.header_bytes
        if len(self.url) > limits.address_bytes:
            return refusals.ADDRESS_TOO_LONG
        if len(self.headers) > MOST_FIELDS or (self._seen > most and self._header_bytes() > most):
            return refusals.HEADERS_TOO_LARGE
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) != 1 and (hosts or self.parser.get_http_version() != "1.0"):
            return refusals.NO_HOST
        if hosts and not self._door.answers_to(hosts[0].decode("latin-1")):
            return refusals.OTHER_HOST
        if self.only_health and self.url.partition(b"?")[0] not in HEALTH:
            return refusals.FULL
        return None

    def _header_bytes(self) -> int:
        return sum(len(name) + len(value) + 4 for name, value in self.headers)

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._content += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that it is our turn now."""
        super().on_message_complete()
        self._enter(Stage.OURS)
        self._rest_if_answered()

    def on_response_complete(self) -> None:
        """Note that it is the client's turn, unless it has sent more already."""
        super().on_response_complete()
        self._rest_if_answered()

    def pause_writing(self) -> None:
        """Note that the client does not take what we send."""
        super().pause_writing()
        self.stuck_since = self.loop.time()

    def resume_writing(self) -> None:
        """Note that it does again."""
        super().resume_writing()
        self.stuck_since = None

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, or what was stopped."""
        self.refuse(self._why)

    def refuse(self, why: Refusal) -> None:
        """End the connection, with a word about it where a request waits for one."""
        if self.stage is Stage.CLOSING or self.transport.is_closing():
            return
        told = self._waits_for_word()
        self._enter(Stage.CLOSING)
        if self._asked and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if told:
            self._door.note(why)
            self.transport.write(why.written())
        if told and self._door.may_linger(self):
            # What is still on its way is read and dropped: else the client's side would throw our
            # word away with a reset.
            self.transport.write_eof()
            self.flow.resume_reading()
        else:
            self.end()

    def waits_for_client(self) -> bool:
        """Tell whether nothing is done here until the client sends more."""
        if self.stage is Stage.BODY:
            return not self.pipeline
        between = self.stage is Stage.IDLE or self.stage is Stage.HEAD
        return between and (not self._asked or self.cycle.response_complete)

    def _waits_for_word(self) -> bool:
        """Tell whether there is a request, or a beginning of one, that was not answered."""
        if not self.waits_for_client():
            return False
        return self._seen > 0 if self.stage is not Stage.BODY else not self.cycle.response_started

    def close_begins(self) -> None:
        """Note that uvicorn has closed it, and that the client still has to take an answer."""
        self._enter(Stage.CLOSING)

    def end(self) -> None:
        """Close; at once where the client does not take what it has asked for."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def _rest_if_answered(self) -> None:
        if self.stage is Stage.OURS and self.cycle.response_complete:
            self._enter(Stage.IDLE)
            self._seen = self._first = 0

    def _enter(self, stage: Stage) -> None:
        self.stage = stage
        self.since = self.loop.time()
