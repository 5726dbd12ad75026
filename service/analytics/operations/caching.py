"""Answers that were computed: once for all who ask at the same time, and until something changes.

A key carries the version of the merchant's figures: when anything was last changed that is counted,
by the database's clock. So every process notices every change with the next question.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from msgspec import Struct

from service.analytics.repository import facts, sources
from service.core.clock import Clock
from service.core.ids import digest
from service.storage.answering import answers_in_time
from service.storage.database import DatabaseTime

REALTIME: Final = timedelta(seconds=30)
HOURLY: Final = timedelta(minutes=5)
DAILY: Final = timedelta(minutes=30)
WEEKLY: Final = timedelta(hours=1)

MOST: Final = 1_000
AT_ONCE: Final = 4
"""How many answers one process computes at once: the database has payments to record."""

Key: TypeAlias = tuple[str, ...]
Version: TypeAlias = tuple[DatabaseTime, datetime | None]
"""When anything was last changed that is counted, and when all answers were last dropped."""


class Answer(Struct, frozen=True):
    """An encoded answer, its tag, and until when it may be shown."""

    body: bytes
    tag: str
    until: datetime


class _Entry(Struct, frozen=True):
    version: Version
    answer: Answer


class Cache:
    """The answers of one process. `hits` and `misses` count since the start."""

    def __init__(self, clock: Clock) -> None:
        """Start empty."""
        self.hits = self.misses = 0
        self._clock = clock
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._under_way: dict[tuple[Key, Version], asyncio.Task[Answer]] = {}
        self._few = asyncio.Semaphore(AT_ONCE)

    async def answer(
        self, key: Key, keep: timedelta, compute: Callable[[], Awaitable[bytes]]
    ) -> Answer:
        """Return what `compute` encodes, or what it has; `key` begins with the merchant.

        Raises whatever `compute` raises, and `Unavailable`.
        """
        async with answers_in_time():
            version = (await sources.latest(key[0]), await facts.cleared_at())
        entry = self._entries.get(key)
        if entry and entry.version == version and self._clock.now() < entry.answer.until:
            self._entries.move_to_end(key)
            self.hits += 1
            return entry.answer
        running = self._under_way.get((key, version))
        if running is None:
            self.misses += 1
            running = asyncio.create_task(self._compute(key, version, keep, compute))
            self._under_way[key, version] = running
            running.add_done_callback(lambda _: self._under_way.pop((key, version), None))
        # Others wait for it, too: one that leaves must not end it.
        return await asyncio.shield(running)

    async def _compute(
        self,
        key: Key,
        version: Version,
        keep: timedelta,
        compute: Callable[[], Awaitable[bytes]],
    ) -> Answer:
        async with self._few:
            body = await compute()
        answer = Answer(body, f'"{digest(body)[:32]}"', self._clock.now() + keep)
        self._entries[key] = _Entry(version, answer)
        while len(self._entries) > MOST:
            self._entries.popitem(last=False)
        return answer

    def clear(self) -> int:
        """Forget all answers; return how many there were."""
        count = len(self._entries)
        self._entries.clear()
        return count
