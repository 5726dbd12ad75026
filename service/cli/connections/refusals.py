"""What is refused before the application sees it, in the form of the application's errors."""

from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any

from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.web.problems import PROBLEM_TYPE, Problem


class Refusal(Struct, frozen=True):
    """Why a request is refused. The connection ends with it."""

    status: int
    error: str
    detail: str
    retry_after: int = 0

    def headers(self, body: bytes) -> list[tuple[bytes, bytes]]:
        """List the headers of the answer."""
        found = [
            (b"content-type", PROBLEM_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
        ]
        if self.retry_after:
            found.append((b"retry-after", b"%d" % self.retry_after))
        return found

    def body(self) -> bytes:
        """Return the problem. It names no path: there may be no readable one."""
        return Problem(self.status, self.error, self.detail, "/").body()

    def written(self) -> bytes:
        """Return the whole response, for bytes that never became a request."""
        body = self.body()
        date = formatdate(usegmt=True).encode()
        lines = [(b"date", date), *self.headers(body)]
        head = b"".join(b"%s: %s\r\n" % line for line in lines)
        return STATUS_LINE[self.status] + head + b"\r\n" + body

    async def __call__(
        self, scope: object, receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> None:
        """Answer in the application's place."""
        body = self.body()
        status, headers = self.status, self.headers(body)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


FULL = Refusal(503, "too_many_connections", "All connections are in use; try again.", 1)
GAVE_WAY = Refusal(503, "too_many_connections", "Another client needed this place; try again.", 1)
MALFORMED = Refusal(400, "malformed_request", "This is not a valid HTTP/1.1 request.")
HEADERS_TOO_LARGE = Refusal(431, "headers_too_large", "The request headers are too large.")
ADDRESS_TOO_LONG = Refusal(414, "address_too_long", "The request address is too long.")
TOO_SLOW = Refusal(408, "request_too_slow", "The request did not arrive in time.")
TOO_MANY_AT_ONCE = Refusal(429, "too_many_at_once", "Wait for answers before sending more.", 1)
FRAMING_TOO_LARGE = Refusal(413, "body_too_large", "The body has far more framing than content.")
NO_HOST = Refusal(400, "host_missing", "Exactly one Host header is required.")
OTHER_HOST = Refusal(421, "host_not_ours", "Host names another server; set PUBLIC_URL.")
