"""Slow and huge requests of strangers, without a key, many at once, against a served process."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.support.patience import IN_TIME

AT_ONCE = 64

_HEAD = b"POST %s HTTP/1.1\r\nHost: here\r\n"


def _post(path: bytes, body: bytes, *lines: bytes) -> bytes:
    sent = [_HEAD % path, *(line + b"\r\n" for line in lines)]
    return b"".join(sent) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _chunked(path: bytes, chunks: bytes) -> bytes:
    return _HEAD % path + b"Transfer-Encoding: chunked\r\n\r\n" + chunks


_FORM = b"Content-Type: application/x-www-form-urlencoded"
_HOOK = b"/api/webhooks/stripe"

# By what each is: some wait for an answer that comes when their time is over.
KINDS: dict[str, Callable[[int], bytes]] = {
    "a head that stops": lambda n: b"GET /?%d HTTP/1.1\r\nHost: here\r\nA: " % n,
    "a body that stops": lambda n: (
        _HEAD % _HOOK + b"Content-Length: 200000\r\n\r\n" + b"x" * 99_999
    ),
    "a chunk that stops": lambda n: _chunked(_HOOK, b"ffff\r\n" + b"x" * 9_999),
    "silence": lambda n: b"",
    "a huge header": lambda n: b"GET / HTTP/1.1\r\nHost: here\r\nA: " + b"%d" % n * 500_000,
    "many headers": lambda n: b"GET / HTTP/1.1\r\nHost: here\r\n" + b"a%d: b\r\n" % n * 100_000,
    "a huge address": lambda n: b"GET /%d" % n * 300_000,
    "a long query": lambda n: b"GET /?" + b"%d&" % n * 800 + b" HTTP/1.1\r\nHost: here\r\n\r\n",
    "a long path": lambda n: b"GET /%s HTTP/1.1\r\nHost: here\r\n\r\n" % (b"/%d" % n * 800),
    "cookies": lambda n: _post(b"/dashboard/login", b"", b"Cookie: a=%d" % n + b";b=c" * 3_000),
    "a form": lambda n: _post(b"/dashboard/login", b"key=%d" % n + b"x" * 250_000, _FORM),
    "a large body": lambda n: _post(_HOOK, b"%d" % n + b"x" * 250_000),
    "a huge body": lambda n: _post(_HOOK, b"%d" % n + b"x" * 3_000_000),
    "a body of one without a key": lambda n: _post(b"/api/payment-sessions", b"x" * 900_000),
    "chunks of a byte": lambda n: _chunked(_HOOK, b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n"),
    "trailers": lambda n: _chunked(_HOOK, b"1\r\nx\r\n0\r\n" + b"A%d: b\r\n" % n * 50_000),
    "an extension": lambda n: _chunked(_HOOK, b"1;" + b"e" * 900_000),
    "requests ahead": lambda n: b"GET /health/live HTTP/1.1\r\nHost: here\r\n\r\n" * 5_000,
    "no request": lambda n: b"%d" % n * 200_000,
    "empty lines": lambda n: b"\r\n" * 500_000,
}


async def attack(port: int, count: int, begin: int = 0) -> None:
    """Send so many of them, each kind in turn, and wait until the server has ended each."""
    gate = asyncio.Semaphore(AT_ONCE)
    kinds = tuple(KINDS.values())

    async def one(number: int) -> None:
        async with gate:
            await _send(port, kinds[number % len(kinds)](number))

    for first in range(begin, begin + count, 10 * AT_ONCE):
        last = min(first + 10 * AT_ONCE, begin + count)
        await asyncio.gather(*(one(number) for number in range(first, last)))


async def _send(port: int, data: bytes) -> None:
    """Send, whether it is taken or not, and read until the server closes or is silent for long."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(IN_TIME):
            sending = asyncio.ensure_future(_sent(writer, data))
            while await reader.read(65_536):
                pass
            sending.cancel()
    except (ConnectionError, TimeoutError):
        pass
    finally:
        writer.close()


async def _sent(writer: asyncio.StreamWriter, data: bytes) -> None:
    try:
        writer.write(data)
        await writer.drain()
    except ConnectionError:
        pass


def memory_mb(process: int) -> float:
    """Return what a process holds of the machine's memory, in MB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * 4096 / 1_000_000
