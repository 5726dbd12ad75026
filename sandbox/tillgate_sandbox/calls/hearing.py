"""Listen to a call as it passes, without delaying it."""

import asyncio
import time
from contextlib import suppress
from datetime import datetime

from litestar.types import Message, Receive, ReceiveMessage

from service.web.bodies import LARGEST_BODY


class Heard:
    """What was sent and received in one call. `listens`: the caller still waits for the answer."""

    def __init__(self, at: datetime) -> None:
        """Begin to listen."""
        self.at = at
        self.body = b""
        self.status: int | None = None
        self.answer = b""
        self.latency_ms: float = 0
        self.ended = False
        self.listens = True
        self._began = time.perf_counter()

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
    """Return whether the caller no longer waits; reads the rest of the body first."""
    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            while (await receive())["type"] != "http.disconnect":
                pass
            return True
    return False
