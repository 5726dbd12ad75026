"""Answers that were computed: once for all who ask at the same time, and until something changes.

With each question the version of the merchant's figures is asked for, by the database's clock. So
every process notices every change with the next question, and no channel between them is needed.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

from msgspec import Struct, structs

from service.analytics.operations.sweeping import COMMITTED_WITHIN_S
from service.analytics.repository import versions
from service.analytics.repository.answers import Answer, Answers, Key, Version
from service.core.clock import Clock
from service.core.errors import TillgateError
from service.core.ids import digest
from service.storage.answering import answers_in_time

REALTIME: Final = timedelta(seconds=30)
HOURLY: Final = timedelta(minutes=5)
DAILY: Final = timedelta(minutes=30)
WEEKLY: Final = timedelta(hours=1)

AT_ONCE: Final = 4
"""How many answers one process computes at once: the database has payments to record."""
ANEW_EVERY: Final = timedelta(seconds=1)
"""How often an answer is computed anew while a merchant's rows change all the time."""
MOST_OF_ONE: Final = 3
"""How many of these are one merchant's: whatever it asks, others' questions are computed, too."""
LOOK_EVERY_S: Final = 0.05
MOST_LOOKS: Final = 100
"""How often one looks for what another process computes; then it is computed here, too."""
WARM_EVERY: Final = timedelta(minutes=5)
ASKED_WITHIN: Final = timedelta(minutes=30)
MOST_WARMED: Final = 200
"""How many answers are computed ahead, of those that somebody asked for lately."""
_MOST_MERCHANTS: Final = 10_000


class Question(Struct, frozen=True):
    """What is asked: `key` tells it from all others, and begins with the merchant.

    `compute` encodes the answer as of the moment at which it is called; it is kept as long as
    `lasts`.
    """

    key: Key
    lasts: timedelta
    compute: Callable[[], Awaitable[bytes]]


class _Asked(Struct, frozen=True):
    question: Question
    at: datetime
    version: Version


class Cache:
    """The answers of this process, or of all of them where these keep them together."""

    def __init__(self, answers: Answers, clock: Clock) -> None:
        """Keep what is computed in `answers`."""
        self.answers = answers
        self._clock = clock
        self._under_way: dict[tuple[Key, Version], asyncio.Task[Answer]] = {}
        self._few = asyncio.Semaphore(AT_ONCE)
        self._few_of_one: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._asked: OrderedDict[Key, _Asked] = OrderedDict()
        self._settled: dict[str, Version] = {}

    async def answer(self, question: Question) -> Answer:
        """Return an answer that is kept, or compute it.

        Raises whatever `compute` raises, and `Unavailable`.
        """
        version = await self._version(question.key[0])
        found = await self._good(question.key, version)
        await self.answers.count(hit=found is not None)
        found = found or await self._computed(question, version)
        self._note(question, version)
        return found

    async def warm(self) -> int:
        """Compute ahead what was asked for lately and has changed since; return how many.

        Where nothing has changed, that takes one look at each merchant. Of all processes that keep
        answers together one computes each.
        """
        begins, warmed = self._clock.now() - ASKED_WITHIN, 0
        known: dict[str, Version] = {}
        for key, asked in list(self._asked.items()):
            if asked.at < begins:
                self._asked.pop(key, None)
                continue
            try:
                version = known.get(key[0]) or await self._version(key[0])
                known[key[0]] = version
                if not asked.version.is_still(version) and await self._good(key, version) is None:
                    await self._computed(asked.question, version)
                    warmed += 1
            except TillgateError:  # what can't be answered any more, or not now
                self._asked.pop(key, None)
            else:
                self._asked[key] = _Asked(asked.question, asked.at, version)
        return warmed

    def _note(self, question: Question, version: Version) -> None:
        if question.lasts < WARM_EVERY:
            return
        self._asked[question.key] = _Asked(question, self._clock.now(), version)
        self._asked.move_to_end(question.key)
        if len(self._asked) > MOST_WARMED:
            self._asked.popitem(last=False)

    async def _version(self, merchant_id: str) -> Version:
        """Return the version of a merchant's figures.

        Beside the latest change it has what else was written within the seconds before that: what
        is committed late may be older than the latest. Once these are over, nothing is.
        """
        async with answers_in_time():
            latest = await versions.latest(merchant_id)
            at = (latest.at.time, latest.at.inc)
            known = self._settled.get(merchant_id)
            if known is not None and known.latest == at:
                return structs.replace(known, written=latest.written, cleared_at=latest.cleared_at)
            weight, now = await versions.weight_before(merchant_id, latest.at, COMMITTED_WITHIN_S)
        found = Version(at, weight, latest.written, latest.cleared_at)
        if now.time - latest.at.time > COMMITTED_WITHIN_S:
            if len(self._settled) >= _MOST_MERCHANTS:
                self._settled.clear()
            self._settled[merchant_id] = found
        return found

    async def _good(self, key: Key, version: Version) -> Answer | None:
        """Return what is kept and may be shown."""
        found = await self.answers.find(key)
        return found if found is not None and self._is_good(found, version) else None

    def _is_good(self, found: Answer, version: Version) -> bool:
        now = self._clock.now()
        if now >= found.until or found.version.cleared_at != version.cleared_at:
            return False
        is_young = found.anew and found.at <= now < found.at + ANEW_EVERY
        return found.version.is_still(version) or is_young

    async def _computed(self, question: Question, version: Version) -> Answer:
        running = self._under_way.get((question.key, version))
        if running is None:
            running = asyncio.create_task(self._compute(question, version))
            self._under_way[question.key, version] = running
            running.add_done_callback(lambda _: self._under_way.pop((question.key, version), None))
        # Others wait for it, too: one that leaves must not end it.
        return await asyncio.shield(running)

    def _share_of(self, merchant_id: str) -> asyncio.Semaphore:
        """Return what a merchant's questions wait for first, as long as there are any."""
        return self._few_of_one.setdefault(merchant_id, asyncio.Semaphore(MOST_OF_ONE))

    async def _compute(self, question: Question, version: Version) -> Answer:
        """Compute an answer, unless another process does so just now."""
        for _ in range(MOST_LOOKS):
            if await self.answers.claim(question.key):
                break
            await asyncio.sleep(LOOK_EVERY_S)
            if (found := await self._good(question.key, version)) is not None:
                return found
        try:
            async with self._share_of(question.key[0]), self._few:
                before, at = await self.answers.find(question.key), self._clock.now()
                if before is not None and self._is_good(before, version):
                    return before  # by whom it was claimed when this one began to ask
                body = await question.compute()
            anew = before is not None and not before.version.is_still(version)
            answer = Answer(
                body,
                f'"{digest(body)[:32]}"',
                at,
                self._clock.now() + question.lasts,
                version,
                anew,
            )
            if question.lasts:
                await self.answers.keep(question.key, answer, question.lasts)
        finally:
            await self.answers.release(question.key)
        return answer
