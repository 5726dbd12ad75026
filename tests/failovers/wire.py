"""HTTP with as little work as can be: what a client does itself must not look like waiting."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class Wire:
    """Connections to one address, each kept and used again."""

    def __init__(self, host: str, port: int) -> None:
        """Begin with no connection."""
        self._address = (host, port)
        self._free: list[_Stream] = []

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request and return its answer. Raises `OSError`, `EOFError`, `TimeoutError`."""
        stream = self._free.pop() if self._free else await asyncio.open_connection(*self._address)
        try:
            stream[1].write(self._request(method, path, body, headers or {}))
            answer = await _answer(stream[0])
        except BaseException:
            stream[1].close()
            raise
        self._free.append(stream)
        return answer

    def _request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        lines = {"Host": self._address[0], "Content-Length": str(len(body)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body

    async def close(self) -> None:
        """Close all connections."""
        for _, writer in self._free:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = head.partition("content-length:")[2].partition("\r\n")[0]
    return Answer(int(head.split(" ", 2)[1]), await reader.readexactly(int(length or 0)))
