"""Receivers of webhooks for tests: real servers on the loopback that behave, hang, lie or reset."""

import asyncio
import ssl
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET

Stream = asyncio.StreamWriter
Behaves = Callable[["Got", Stream], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Got:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The id of its event."""
        return self.headers["webhook-id"]


@dataclass(slots=True)
class Receiver:
    """What it received, and how it answers from now on."""

    behaves: Behaves
    port: int = 0
    scheme: str = "http"
    got: list[Got] = field(default_factory=list)
    connections: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, host: str = "127.0.0.1") -> str:
        """Its address, by any name that leads to it."""
        return f"{self.scheme}://{host}:{self.port}/hook"

    def times(self) -> Counter[str]:
        """How often each event came."""
        return Counter(one.id for one in self.got)

    async def serve(self, reader: asyncio.StreamReader, writer: Stream) -> None:
        """Read requests and answer them as it behaves."""
        self.connections += 1
        try:
            while (got := await _read(reader)) is not None:
                self.got.append(got)
                self.came.set()
                await self.behaves(got, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Got | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines if line)
    }
    body = await reader.readexactly(int(headers["content-length"]))
    return Got(first.split(" ")[1], headers, body)


def answers(status: int = 200, text: str = "ok", **headers: str) -> Behaves:
    """Answer each request so."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    whole = f"HTTP/1.1 {status} Word\r\ncontent-length: {len(text)}\r\n{lines}\r\n{text}".encode()

    async def behave(got: Got, writer: Stream) -> None:
        writer.write(whole)

    return behave


def answers_in_turn(*turns: Behaves) -> Behaves:
    """Behave each time as the next says; the last stays."""
    left = list(turns)

    async def behave(got: Got, writer: Stream) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(got, writer)

    return behave


async def hangs(got: Got, writer: Stream) -> None:
    """Never answer."""
    await asyncio.Event().wait()


async def answers_half(got: Got, writer: Stream) -> None:
    """Say that it is done, and never finish saying so."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    await writer.drain()
    await asyncio.Event().wait()


async def resets(got: Got, writer: Stream) -> None:
    """Cut the connection, as a process that is killed does."""
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def talks_nonsense(got: Got, writer: Stream) -> None:
    """Answer in no language of the web."""
    writer.write(b"220 smtp.example ESMTP\r\n")


async def ten_megabytes(got: Got, writer: Stream) -> None:
    """Answer 200, and far too much."""
    size = 10 * 1024 * 1024
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
    for _ in range(size // 65_536):
        writer.write(b"x" * 65_536)
        await writer.drain()


async def endless_headers(got: Got, writer: Stream) -> None:
    """Begin an answer that never gets to its end."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x-more: " + b"y" * 4096 + b"\r\n")
        await writer.drain()


@asynccontextmanager
async def receiving(
    behaves: Behaves | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Run a receiver for as long as the block lasts."""
    receiver = Receiver(behaves or answers())
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: Stream) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await receiver.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    receiver.scheme = "https" if tls else "http"
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
