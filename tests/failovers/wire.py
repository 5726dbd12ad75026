"""HTTP with as little work as can be: what a client does itself must not look like waiting."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]

# The service closes what is idle after 75 s: ours must not be used then.
_IDLE_S = 30.0


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class Wire:
    """Connections to one address, each kept and used again."""

    def __init__(self, host: str, port: int) -> None:
        """Begin with no connection."""
        self._address = (host, port)
        self._free: list[tuple[float, _Stream]] = []

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request and return its answer. Raises `OSError`, `EOFError`, `TimeoutError`."""
        stream = self._used() or await asyncio.open_connection(*self._address)
        try:
            stream[1].write(self._request(method, path, body, headers or {}))
            answer = await _answer(stream[0])
        except BaseException:
            stream[1].close()
            raise
        self._free.append((time.monotonic(), stream))
        return answer

    def _used(self) -> _Stream | None:
        """Take the connection that was used last, unless that is long ago."""
        while self._free:
            at, stream = self._free.pop()
            if time.monotonic() - at < _IDLE_S:
                return stream
            stream[1].close()
        return None

    def _request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        lines = {"Host": self._address[0], "Content-Length": str(len(body)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body

    async def close(self) -> None:
        """Close all connections."""
        for _, (_, writer) in self._free:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = head.partition("content-length:")[2].partition("\r\n")[0]
    return Answer(int(head.split(" ", 2)[1]), await reader.readexactly(int(length or 0)))
