"""A stand-in for Stripe on loopback: it speaks HTTP, keeps what it was asked, says as told."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from tests.support.ports import usual_port

Misbehaviour = Literal["hang", "hang up"]


@dataclass(frozen=True)
class Asked:
    """One request: form or query parameters flat, header names in lower case."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]


@dataclass
class FakeStripe:
    """What was asked, and what is answered next for each route; the last answer stays."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event | None = None
    """While it is closed no answer goes out; `hanging` tells that one is held back."""
    _answers: dict[str, list[tuple[int, bytes] | Misbehaviour]] = field(default_factory=dict)

    def will_answer(self, route: str, body: object, status: int = 200) -> None:
        """Answer a route (`POST /v1/…`) with JSON, or with bytes as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._answers.setdefault(route, []).append((status, raw))

    def will_refuse(self, route: str, status: int, **error: str) -> None:
        """Answer a route with an error as Stripe words it."""
        self.will_answer(route, {"error": {"type": "invalid_request_error", **error}}, status)

    def will(self, misbehaviour: Misbehaviour, route: str) -> None:
        """Leave a route's caller waiting, or cut the connection."""
        self._answers.setdefault(route, []).append(misbehaviour)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's one request."""
        try:
            asked = await _read(reader)
            self.asked.append(asked)
            waiting = self._answers.get(f"{asked.method} {asked.path}", [(404, b"{}")])
            answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if self.gate is not None:
                self.hanging.set()
                await self.gate.wait()
            if answer == "hang":
                self.hanging.set()
                await reader.read()  # until the caller gives up
            elif isinstance(answer, tuple):
                writer.write(_response(*answer))
                await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def fake_stripe() -> AsyncIterator[FakeStripe]:
    """Run the stand-in on a port of loopback."""
    with usual_port() as port:
        fake = FakeStripe()
        fake.url = f"http://127.0.0.1:{port}"
        async with await asyncio.start_server(fake.serve, "127.0.0.1", port):
            yield fake


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    method, target, _ = first.split(" ")
    parts = urlsplit(target)
    params = dict(parse_qsl(body.decode() or parts.query, keep_blank_values=True))
    return Asked(method, parts.path, params, headers)


def _response(status: int, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nRequest-Id: req_sample\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
