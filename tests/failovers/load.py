"""The load: openings, reads and payments, and beside them those who ask whether it lives."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from service.storage.database import Row
from tests.failovers.books import Books
from tests.failovers.wire import Answer, Wire
from tests.support.api import SECRET
from tests.support.events import stripe_checkout, stripe_event

PROBE_EVERY_S = 0.25
_BREATH_S = 0.1
_KEY = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
# Longer than anything may take: what takes longer is told as what it is, an answer that never came.
_NEVER_S = 60.0


@dataclass(slots=True)
class Seen:
    """What came back, how long it took, and when writes were acknowledged."""

    books: Books = field(default_factory=Books)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    slowest: dict[str, float] = field(default_factory=dict)
    acknowledged_at: list[float] = field(default_factory=list)
    lag_s: float = 0.0  # of this process: no answer is seen sooner

    def note(self, kind: str, status: int, seconds: float) -> None:
        """Note an answer; its status is 0 where none came."""
        self.answers[kind, status] += 1
        self.slowest[kind] = max(self.slowest.get(kind, 0.0), seconds)

    def acknowledged(self) -> None:
        """Note that a write was acknowledged now."""
        self.acknowledged_at.append(time.monotonic())

    def longest_window_s(self, since: float) -> float:
        """Return the longest time without an acknowledged write since then."""
        times = [since, *(at for at in self.acknowledged_at if at > since)]
        return max((b - a for a, b in pairwise(times)), default=0.0)


class Load:
    """Callers that go on until they are told to stop."""

    def __init__(self, port: int, mongo_uri: str, callers: int) -> None:
        """Begin with nothing under way."""
        self._wire = Wire("127.0.0.1", port)
        self._mongo = AsyncMongoClient[Row](mongo_uri, w=1, serverSelectionTimeoutMS=1000)
        self._callers = callers
        self._numbers = count()
        self._stopping = asyncio.Event()
        self.seen = Seen()

    async def run(self) -> None:
        """Call until `stop`, and let what is under way end."""
        probers = [self._probe("/health/ready"), self._probe("/health/live")]
        callers = [self._call_on() for _ in range(self._callers)]
        await asyncio.gather(*callers, *probers, self._write_carelessly(), self._watch_lag())
        await self._wire.close()
        await self._mongo.close()

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopping.set()

    async def _call_on(self) -> None:
        while not self._stopping.is_set():
            session_id = f"s-{next(self._numbers)}"
            body = {
                "sessionId": session_id,
                "userId": session_id,
                "eventId": "event_456",
                "amount": 1000,
                "currency": "INR",
                "quantity": 1,
                "paymentMethod": "stripe",
            }
            opened = await self._ask("create", self._open(body))
            if opened is not None and opened.status == 201:
                self.seen.acknowledged()
                self.seen.books.opened.append(session_id)
                await self._ask("read", self._wire.ask("GET", _at(session_id), headers=_KEY))
                await self._pay(json.loads(opened.body)["session"])
            await asyncio.sleep(_BREATH_S)

    async def _pay(self, session: dict[str, Any]) -> None:
        """Deliver the event until it is taken, as providers do."""
        event = f"evt_{session['sessionId']}"
        while not self._stopping.is_set():
            # Signed anew each time: a signature is good for five minutes.
            found = stripe_checkout(session)
            paid = stripe_event("checkout.session.completed", found, event_id=event)
            call = self._wire.ask("POST", paid.path, paid.body, paid.headers)
            answer = await self._ask("webhook", call)
            if answer is not None and answer.status == 200:
                self.seen.acknowledged()
                self.seen.books.paid[event] = str(session["sessionId"])
                return
            await asyncio.sleep(_BREATH_S)

    async def _probe(self, path: str) -> None:
        """Ask every quarter of a second, whether or not there was an answer to the last time."""
        asked: set[asyncio.Task[Answer | None]] = set()
        while not self._stopping.is_set():
            task = asyncio.create_task(self._ask(path, self._wire.ask("GET", path)))
            asked.add(task)
            task.add_done_callback(asked.discard)
            await asyncio.sleep(PROBE_EVERY_S)
        await asyncio.gather(*asked)

    async def _write_carelessly(self) -> None:
        """Write what a failover rolls back, so that a lost member has something to lose."""
        while not self._stopping.is_set():
            with suppress(PyMongoError):
                await self._mongo["careless"]["rows"].insert_one({})
            await asyncio.sleep(0.02)

    async def _watch_lag(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            await asyncio.sleep(0.05)
            self.seen.lag_s = max(self.seen.lag_s, time.monotonic() - began - 0.05)

    async def _open(self, body: dict[str, object]) -> Answer:
        encoded = json.dumps(body).encode()
        return await self._wire.ask("POST", "/api/payment-sessions", encoded, _KEY)

    async def _ask(self, kind: str, call: Awaitable[Answer]) -> Answer | None:
        began = time.monotonic()
        answer = None
        with suppress(OSError, EOFError, TimeoutError):
            async with asyncio.timeout(_NEVER_S):
                answer = await call
        self.seen.note(kind, answer.status if answer else 0, time.monotonic() - began)
        return answer


def _at(session_id: str) -> str:
    return f"/api/payment-sessions/{session_id}"
