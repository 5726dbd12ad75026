"""One connection to a receiver: a request, and as much of its answer as is kept.

Written on the parser that also reads our own requests: httpx took 2.3 ms of a processor for each
request, so one process could not make a thousand in a second. Nothing is followed, nothing decoded,
and no more is read than what is kept: a receiver is not trusted.
"""

import asyncio
from typing import cast

import httptools
from msgspec import Struct

KEPT_BYTES = 4_096
"""Of an answer's body."""
MOST_BYTES = 65_536
"""Read of one answer; the connection is closed then."""
_CONTINUES = frozenset({100, 102, 103})


class Answer(Struct, frozen=True):
    """What a receiver answered; `body` is the beginning of it."""

    status: int
    body: bytes
    location: str | None = None
    retry_after: str | None = None


class Broken(Exception):
    """The connection ended, or what came over it is no answer; the message says which."""


class Connection(asyncio.Protocol):
    """Speaks HTTP/1.1 with one receiver, one request after another."""

    def __init__(self) -> None:
        """Begin unconnected."""
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._begin()
        self.is_open = False

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._status = 0
        self._headers: dict[bytes, bytes] = {}
        self._body = b""
        self._read = 0
        self._has_head = False

    @property
    def was_answered(self) -> bool:
        """Return whether the status of the present request is known, if not all of its answer."""
        return self._has_head

    async def ask(self, request: bytes) -> Answer:
        """Send a request and return its answer. Raises `Broken`."""
        if self._transport is None or not self.is_open:
            raise Broken("the connection was closed before anything was sent")
        self._begin()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def answered_so_far(self) -> Answer:
        """Return what is known of an answer of which the rest does not come."""
        return Answer(self._status, self._body, self._text(b"location"), self._text(b"retry-after"))

    def close(self) -> None:
        """Close it; what is under way is over."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # A stream, as was asked for; uvloop's has the methods of `Transport`, and is no such class.
        self._transport, self.is_open = cast(asyncio.Transport, transport), True

    def data_received(self, data: bytes) -> None:
        """Read on; whatever comes without a request ends the connection."""
        if self._answer is None or self._answer.done():
            self.close()
            return
        self._read += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("what was answered is not HTTP")
            return
        if self._read > MOST_BYTES and not self._answer.done():
            if self._has_head:
                self._finish(reusable=False)
            else:
                self._fail(f"the answer has more than {MOST_BYTES} bytes of headers")

    def eof_received(self) -> None:
        """Take what came as the whole where the answer said no length."""
        self._ended("the connection was closed before there was an answer")

    def connection_lost(self, error: Exception | None) -> None:
        """Tell who waits."""
        self.is_open = False
        how = "closed" if error is None else "reset"
        self._ended(f"the connection was {how} before there was an answer")

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Forget the headers of an interim answer."""
        self._headers = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Note the status, unless more is to come."""
        status = self._parser.get_status_code()
        if status not in _CONTINUES:
            self._status, self._has_head = status, True

    def on_body(self, body: bytes) -> None:
        """Keep the beginning."""
        if len(self._body) < KEPT_BYTES:
            self._body += body[: KEPT_BYTES - len(self._body)]

    def on_message_complete(self) -> None:
        """Return the answer, unless it is an interim one."""
        if self._has_head:
            self._finish(reusable=self._parser.should_keep_alive())

    def _finish(self, *, reusable: bool) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(self.answered_so_far())
        if not reusable:
            self.close()

    def _ended(self, why: str) -> None:
        if self._has_head:
            self._finish(reusable=False)
        else:
            self._fail(why)

    def _fail(self, why: str) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Broken(why))

    def _text(self, name: bytes) -> str | None:
        found = self._headers.get(name)
        return None if found is None else found[:KEPT_BYTES].decode("latin-1")
