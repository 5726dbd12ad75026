"""Stripe's refunds on loopback, with books: what moved is counted there, whatever we believe."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.events import SAMPLES

Json = dict[str, Any]
_SAMPLE: Json = json.loads((SAMPLES / "stripe" / "refund.updated.json").read_bytes())

# Whether it acted is not known: a gateway in between has given up.
_NO_ANSWER: tuple[int, Json] = (504, {"error": {"type": "api_error", "message": "No answer."}})


@dataclass
class Books:
    """What was refunded, by whom it was asked for, and how the next calls go.

    A plan is a word for the next call for a refund: `lost` acts and does not say so, `dropped`
    fails before it acts, `refused:<code>` refuses; `pending` or `failed` is what it answers.
    """

    url: str = ""
    made: dict[str, Json] = field(default_factory=dict)
    plans: deque[str] = field(default_factory=deque)
    calls: list[tuple[str, str]] = field(default_factory=list)
    keys: dict[str, tuple[Json, str]] = field(default_factory=dict)
    silent: bool = False
    """Whether the list of refunds can't be read."""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event | None = None
    """While it is not set, no answer to a refund goes out, though it has been made."""

    def begin_anew(self) -> None:
        """Forget everything but where the books are."""
        vars(self).update(vars(Books(self.url)))

    def moved(self, payment: str) -> int:
        """Return what went back of a payment, in minor units."""
        found = [one for one in self.made.values() if one["payment_intent"] == payment]
        return sum(one["amount"] for one in found)

    def asked(self) -> int:
        """Count the calls for a refund."""
        return sum(path == "/v1/refunds" and method == "POST" for method, path in self.calls)

    async def asked_for(self, count: int) -> None:
        """Wait until so many refunds were asked for."""
        while self.asked() < count:
            self.reached.clear()
            await self.reached.wait()

    def forget_keys(self) -> None:
        """Forget all idempotency keys, as Stripe may after a day."""
        self.keys.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the one request of a connection."""
        try:
            method, path, params, headers = await _read(reader)
            self.calls.append((method, path))
            answer = self._answer(method, path, params, headers.get("idempotency-key", ""))
            self.reached.set()
            if method == "POST" and self.gate is not None:
                await self.gate.wait()
            writer.write(_response(*answer))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the caller was killed
        finally:
            writer.close()

    def _answer(self, method: str, path: str, params: Json, key: str) -> tuple[int, Json]:
        if method == "GET" and path == "/v1/refunds":
            if self.silent:
                return _NO_ANSWER
            wanted = params["payment_intent"]
            found = [one for one in self.made.values() if one["payment_intent"] == wanted]
            return 200, {"object": "list", "data": found, "has_more": False}
        if method == "GET" and (read := self.made.get(path.rpartition("/")[2])):
            return _NO_ANSWER if self.silent else (200, read)
        if (method, path) != ("POST", "/v1/refunds"):
            return 404, _error("resource_missing")
        return self._make(params, key)

    def _make(self, params: Json, key: str) -> tuple[int, Json]:
        plan = self.plans.popleft() if self.plans else ""
        if plan == "dropped":
            return _NO_ANSWER
        if plan.startswith("refused:"):
            return 400, _error(plan.partition(":")[2])
        if key in self.keys:
            before, refund_id = self.keys[key]
            if before != params:
                return 400, {"error": {"type": "idempotency_error", "message": "another body"}}
        else:
            refund_id = f"re_{len(self.made) + 1:024}"
            self.keys[key] = (params, refund_id)
            self.made[refund_id] = _refund(refund_id, params, plan)
        return _NO_ANSWER if plan == "lost" else (200, self.made[refund_id])


def _refund(refund_id: str, params: Json, plan: str) -> Json:
    sample: Json = _SAMPLE["data"]["object"]
    return sample | {
        "id": refund_id,
        "amount": int(params["amount"]),
        "currency": "inr",
        "payment_intent": params["payment_intent"],
        "charge": None,
        "metadata": {"refundId": params["metadata[refundId]"]},
        "status": plan if plan in {"pending", "failed"} else "succeeded",
    }


def _error(code: str) -> Json:
    return {"error": {"type": "invalid_request_error", "code": code, "message": "Stripe's words."}}


@asynccontextmanager
async def stripe_books() -> AsyncIterator[Books]:
    """Keep the books on a free port."""
    books = Books()
    server = await asyncio.start_server(books.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    books.url = f"http://{host}:{port}"
    async with server:
        yield books


async def _read(reader: asyncio.StreamReader) -> tuple[str, str, Json, dict[str, str]]:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
    method, target, _ = first.split(" ")
    parts = urlsplit(target)
    return method, parts.path, dict(parse_qsl(body or parts.query)), headers


def _response(status: int, body: Json) -> bytes:
    content = json.dumps(body).encode()
    # The library would repeat a call by itself.
    head = f"HTTP/1.1 {status} Told\r\ncontent-type: application/json\r\n"
    head += "stripe-should-retry: false\r\n"
    return f"{head}content-length: {len(content)}\r\nconnection: close\r\n\r\n".encode() + content
