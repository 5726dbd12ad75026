"""Listen in on a call while it passes, without holding it up."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from litestar.types import Message, Receive, ReceiveMessage

from service.web.requests import LARGEST_BODY


@dataclass(slots=True)
class Heard:
    """What went over the wire of one call. `listens`: the caller still waited for the answer."""

    at: datetime
    body: bytes = b""
    status: int | None = None
    answer: bytes = b""
    latency_ms: float = 0
    ended: bool = False
    listens: bool = True
    _began: float = field(default_factory=time.perf_counter)

    def take_request(self, message: ReceiveMessage) -> None:
        """Listen to what the caller sends."""
        if message["type"] == "http.request":
            self.body = (self.body + message["body"])[:LARGEST_BODY]

    def take_answer(self, message: Message) -> None:
        """Listen to what is answered."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.answer = (self.answer + message["body"])[:LARGEST_BODY]
            if not message.get("more_body"):
                self.end()

    def end(self) -> None:
        """Note that it is over, and how long it took."""
        self.ended = True
        self.latency_ms = round((time.perf_counter() - self._began) * 1000, 1)


async def has_gone(receive: Receive) -> bool:
    """Return whether the caller no longer waits; what nobody has read of the body yet is read."""
    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            while (await receive())["type"] != "http.disconnect":
                pass
            return True
    return False
