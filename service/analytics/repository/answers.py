"""Answers that are kept, and how one process keeps them."""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeAlias

from msgspec import Struct

MOST: Final = 1_000
MOST_BYTES: Final = 32 * 1024 * 1024
"""How many answers one process keeps, and how large they are together."""
LARGEST: Final = 1024 * 1024
"""A larger one is kept nowhere."""

Key: TypeAlias = tuple[str, ...]


class Version(Struct, frozen=True, array_like=True):
    """What a merchant's figures were: their latest change, its neighbours, what runs have written.

    And when answers were dropped last.
    `weight` is None where very much was changed just then, and nobody added up the neighbours.
    """

    latest: tuple[int, int]
    weight: int | None
    written: int
    cleared_at: datetime | None

    def is_still(self, now: "Version") -> bool:
        """Return whether nothing has changed since, as far as anybody can tell."""
        return self == now and self.weight is not None


class Answer(Struct, frozen=True, array_like=True):
    """An encoded answer, its tag, when it was computed, and until when it may be shown.

    `version` is what the figures were then; `anew`: it took the place of an answer of another one.
    """

    body: bytes
    tag: str
    at: datetime
    until: datetime
    version: Version
    anew: bool


class Counted(Struct, frozen=True):
    """How many questions were answered from what is kept, and how many were not."""

    hits: int
    misses: int


class Answers(Protocol):
    """Keeps answers by their keys."""

    async def find(self, key: Key) -> Answer | None:
        """Return an answer; None where there is none, or none that can be read."""
        ...

    async def keep(self, key: Key, answer: Answer, lasts: timedelta) -> None:
        """Keep an answer, in the place of the one before."""
        ...

    async def claim(self, key: Key) -> bool:
        """Return whether this process may compute an answer now, and no other does."""
        ...

    async def release(self, key: Key) -> None:
        """Let others compute it."""
        ...

    async def count(self, *, hit: bool) -> None:
        """Count a question."""
        ...

    async def counted(self) -> Counted | None:
        """Return what was counted; None where it is not known."""
        ...

    async def forget(self) -> None:
        """Forget all answers."""
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...


class MemoryAnswers:
    """The answers of one process, those forgotten first that were asked for least lately."""

    def __init__(self) -> None:
        """Start empty."""
        self._kept: OrderedDict[Key, Answer] = OrderedDict()
        self._bytes = self._hits = self._misses = 0

    async def find(self, key: Key) -> Answer | None:
        """Return an answer."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    async def keep(self, key: Key, answer: Answer, lasts: timedelta) -> None:
        """Keep an answer; the oldest make room for it."""
        self._drop(key)
        if len(answer.body) > LARGEST:
            return
        self._kept[key] = answer
        self._bytes += len(answer.body)
        while len(self._kept) > MOST or self._bytes > MOST_BYTES:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        gone = self._kept.pop(key, None)
        self._bytes -= len(gone.body) if gone is not None else 0

    async def claim(self, key: Key) -> bool:
        """Return that nobody else computes it: whoever asks here waits for the same."""
        return True

    async def release(self, key: Key) -> None:
        """Do nothing."""

    async def count(self, *, hit: bool) -> None:
        """Count a question."""
        self._hits, self._misses = self._hits + hit, self._misses + (not hit)

    async def counted(self) -> Counted:
        """Return what was counted since the start."""
        return Counted(self._hits, self._misses)

    async def forget(self) -> None:
        """Forget all answers."""
        self._kept.clear()
        self._bytes = 0

    async def close(self) -> None:
        """Do nothing."""
