"""The body of a request, read once and within limits."""

import asyncio

from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import Receive, Scope

from service.core.errors import MalformedBody, Unavailable

# 256 kB in thousands, so that 257 kB are too much whichever way they are counted.
LARGEST_BODY = 256_000

# The place in a handler's `opt` for a larger limit of its own. Bodies beyond the usual one are read
# a few at a time: a flood of them must not cost more memory than one of small bodies.
BODY_UP_TO = "largest_body"
LARGE_AT_ONCE = 8
# Nobody has to prove anything to send one: who stops in the middle must not keep a place for long.
LARGE_WITHIN_S = 5.0

# The place in a request's state where a body is kept for whoever reads it next.
_READ = "body"


class LargeBodies:
    """How many large bodies this process is reading."""

    being_read = 0


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Return the body of a request, which is read once.

    Raises `MalformedBody` when the client went away in the middle, `RequestEntityTooLarge` for more
    than the handler takes, as soon as that is known, and `Unavailable` while too many large ones
    are being read, or for one that comes too slowly.
    """
    body: bytes | None = scope["state"].get(_READ)
    if body is None:
        body = scope["state"][_READ] = await _read(scope, receive)
    return body


async def _read(scope: Scope, receive: Receive) -> bytes:
    largest = scope["route_handler"].opt.get(BODY_UP_TO, LARGEST_BODY)
    _refuse_announced(scope, largest)
    first, more = await _next_part(receive)
    if not more and len(first) <= largest:
        return first  # nearly every one comes in one piece
    body = bytearray(first)
    more = more and await _read_until(min(largest, LARGEST_BODY), body, receive)
    if more and len(body) <= largest:
        await _read_large(largest, body, receive)
    if len(body) > largest:
        raise RequestEntityTooLarge
    return bytes(body)


def _refuse_announced(scope: Scope, largest: int) -> None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            if value.isdigit() and int(value) > largest:
                raise RequestEntityTooLarge
            return


async def _read_large(largest: int, body: bytearray, receive: Receive) -> None:
    if LargeBodies.being_read >= LARGE_AT_ONCE:
        raise Unavailable("Too many large bodies are being read; send it again.")
    LargeBodies.being_read += 1
    try:
        async with asyncio.timeout(LARGE_WITHIN_S):
            await _read_until(largest, body, receive)
    except TimeoutError as error:
        raise Unavailable("The large body came too slowly; send it again.") from error
    finally:
        LargeBodies.being_read -= 1


async def _read_until(size: int, body: bytearray, receive: Receive) -> bool:
    """Read until the body is larger than that, or whole; return whether more is to come."""
    more = True
    while more and len(body) <= size:
        part, more = await _next_part(receive)
        body += part
    return more


async def _next_part(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] != "http.request":
        raise MalformedBody("The body ended before it was whole.")
    return message["body"], message.get("more_body", False)
