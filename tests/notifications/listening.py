"""Listen to the stream of events of a served application, as a client of server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec

from tests.support.api import SECRET

STREAM = "/api/events/stream"


class Listener:
    """One that has begun to listen."""

    def __init__(self, answer: httpx.Response) -> None:
        """Read from an answer."""
        self._lines = answer.aiter_lines()
        self.place = ""

    async def next(self) -> dict[str, Any] | None:
        """Return the next event; None where the stream ends."""
        fields: dict[str, str] = {}
        async for line in self._lines:
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
                continue
            self.place = fields.get("id", self.place)
            if "data" in fields:
                event: dict[str, Any] = msgspec.json.decode(fields["data"])
                assert event["type"] == fields["event"]
                return event
            fields = {}
        return None

    async def beat(self) -> None:
        """Wait until a place was told without an event."""
        async for line in self._lines:
            if line.startswith("id: "):
                self.place = line.removeprefix("id: ")
                return

    async def names(self, count: int) -> list[str]:
        """Return the sessions of so many events."""
        return [(await self.next() or {})["sessionId"] for _ in range(count)]


@asynccontextmanager
async def listening(
    address: str, key: str = SECRET, place: str | None = None, **params: str
) -> AsyncIterator[Listener]:
    """Listen for as long as the block lasts: to all that is committed from now on."""
    headers = {"Authorization": f"Bearer {key}"} | ({"Last-Event-ID": place} if place else {})
    async with (
        httpx.AsyncClient(base_url=address, timeout=None) as client,  # noqa: S113
        client.stream("GET", STREAM, params=params, headers=headers) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        yield Listener(answer)


async def refused(address: str, key: str | None = SECRET, **options: Any) -> httpx.Response:
    """Ask for a stream, and return what is answered instead."""
    headers = options.pop("headers", {}) | ({"Authorization": f"Bearer {key}"} if key else {})
    async with (
        httpx.AsyncClient(base_url=address, timeout=None) as client,  # noqa: S113
        client.stream("GET", STREAM, headers=headers, **options) as answer,
    ):
        await answer.aread()
        return answer


async def happens(address: str, *names: str, key: str = SECRET) -> None:
    """Open sessions and cancel them: each is an event `session.canceled`."""
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=None) as client:  # noqa: S113
        for name in names:
            body = {
                **{"sessionId": name, "userId": "ada", "eventId": "event", "amount": 1000},
                **{"currency": "INR", "quantity": 1, "paymentMethod": "stripe"},
            }
            opened = await client.post("/api/payment-sessions", json=body)
            assert opened.status_code == 201, opened.text
            change = {"sessionId": name, "status": "canceled"}
            canceled = await client.patch("/api/payment-sessions", json=change)
            assert canceled.status_code == 200, canceled.text


async def until_none_listens(streams: Any) -> None:
    """Wait until the server has noticed that nobody listens any more."""
    while streams.under_way:
        await asyncio.wait(streams.under_way)
