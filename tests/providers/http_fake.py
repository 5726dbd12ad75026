"""A real HTTP server on loopback that plays a provider: it answers as told, and keeps what came."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from tests.support.ports import usual_port

Json = dict[str, object]

Fake = TypeVar("Fake", bound="FakeApi")


@dataclass(frozen=True)
class Received:
    """One request: header names in lower case, the query as pairs."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Json:
        """Return the body's JSON."""
        parsed = json.loads(self.body)
        assert isinstance(parsed, dict)
        return parsed

    def form(self) -> dict[str, str]:
        """Return the body's form fields."""
        return dict(parse_qsl(self.body.decode()))


@dataclass
class Held:
    """An answer that is held back: `arrived` once the request came, until `release` is set."""

    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class FakeApi:
    """Answers by method and path, in the order given; the last one is repeated. Else 404."""

    base: str = ""
    received: list[Received] = field(default_factory=list)
    answers: dict[tuple[str, str], deque[tuple[int, bytes]]] = field(default_factory=dict)
    held: dict[tuple[str, str], Held] = field(default_factory=dict)

    def answer(self, method: str, path: str, *answers: Json | tuple[int, Json | bytes]) -> None:
        """Queue answers: a JSON object for 200, or a status with JSON or raw bytes."""
        queue = self.answers.setdefault((method, path), deque())
        for given in answers:
            status, body = given if isinstance(given, tuple) else (200, given)
            queue.append((status, body if isinstance(body, bytes) else json.dumps(body).encode()))

    def hold(self, method: str, path: str) -> Held:
        """Hold the next answer of a route back; the provider has acted by then."""
        held = self.held[(method, path)] = Held()
        return held

    def calls(self) -> list[tuple[str, str]]:
        """Return method and path of everything that came, in order."""
        return [(request.method, request.path) for request in self.received]

    def last(self) -> Received:
        """Return the latest request."""
        return self.received[-1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines if line)
        }
        method, target, _ = head.split(" ")
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        parts = urlsplit(target)
        self.received.append(
            Received(method, parts.path, dict(parse_qsl(parts.query)), headers, body)
        )
        status, content = self._next(method, parts.path)
        if held := self.held.pop((method, parts.path), None):
            held.arrived.set()
            await held.release.wait()
        writer.write(
            f"HTTP/1.1 {status} Told\r\ncontent-type: application/json\r\n"
            f"content-length: {len(content)}\r\nconnection: close\r\n\r\n".encode()
            + content
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    def _next(self, method: str, path: str) -> tuple[int, bytes]:
        queue = self.answers.get((method, path))
        if not queue:
            return 404, b'{"message": "the fake was not told about this"}'
        return queue.popleft() if len(queue) > 1 else queue[0]


@asynccontextmanager
async def running(fake: Fake) -> AsyncIterator[Fake]:
    """Run a fake on a port of loopback."""
    with usual_port() as port:
        fake.base = f"http://127.0.0.1:{port}"
        async with await asyncio.start_server(fake.serve, "127.0.0.1", port):
            yield fake


@asynccontextmanager
async def fake_api() -> AsyncIterator[FakeApi]:
    """Run one that answers as it is told."""
    async with running(FakeApi()) as fake:
        yield fake
