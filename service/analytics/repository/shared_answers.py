"""Answers that all processes keep together in Redis."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec
from coredis import PureToken, Redis
from cryptography.fernet import Fernet, InvalidToken

from service.analytics.repository.answers import (
    LARGEST,
    Answer,
    Answers,
    Counted,
    Key,
    MemoryAnswers,
)
from service.core.clock import Clock
from service.core.ids import derive
from service.core.peppers import Pepper
from service.storage.redis import Reach, redis_at

CLAIMED_FOR: Final = timedelta(seconds=10)
"""After what time another process computes an answer that one has claimed."""

_CLAIMED_STILL: Final = "if redis.call('get',KEYS[1])==ARGV[1] then redis.call('del',KEYS[1]) end"
_HITS, _MISSES = "hits", "misses"
_decoder: Final = msgspec.msgpack.Decoder(Answer)


class RedisAnswers:
    """The answers of all processes. Where Redis is away there are none, and everyone may compute.

    Names and values are made under the pepper: who can read Redis reads no figures, and what
    another installation or another key has left there is none of ours.
    """

    def __init__(self, redis: Redis[bytes], pepper: str, clock: Clock) -> None:
        """Keep answers in Redis under names of one installation."""
        self._redis, self._pepper = redis, pepper
        self._reach = Reach(clock, "figures are computed for each process")
        self._place = f"tillgate:figures:{derive(pepper, 'figures-answers')[:16]}"
        self._ours = secrets.token_hex(16)

    async def find(self, key: Key) -> Answer | None:
        """Return an answer; None where there is none, or none that can be read."""
        found = await self._reach.ask(lambda: self._redis.get(self._name(key)), unless=None)
        try:
            return _decoder.decode(self._box(key).decrypt(found)) if found else None
        except (InvalidToken, msgspec.DecodeError):
            return None

    async def keep(self, key: Key, answer: Answer, lasts: timedelta) -> None:
        """Keep an answer as long as it may be shown."""
        if len(answer.body) > LARGEST:
            return
        sealed = self._box(key).encrypt(msgspec.msgpack.encode(answer))
        await self._reach.ask(
            lambda: self._redis.set(self._name(key), sealed, px=lasts), unless=False
        )

    async def claim(self, key: Key) -> bool:
        """Return whether no other process computes it; best effort: a claim ends by itself."""
        name = f"{self._name(key)}:claim"

        async def claim() -> bool:
            # None where another has it.
            return bool(
                await self._redis.set(name, self._ours, condition=PureToken.NX, px=CLAIMED_FOR)
            )

        return await self._reach.ask(claim, unless=True)

    async def release(self, key: Key) -> None:
        """Let others compute it, unless another one has claimed it since."""
        name = f"{self._name(key)}:claim"
        await self._reach.ask(
            lambda: self._redis.eval(_CLAIMED_STILL, [name], [self._ours]), unless=None
        )

    async def count(self, *, hit: bool) -> None:
        """Count a question."""
        field = _HITS if hit else _MISSES
        await self._reach.ask(
            lambda: self._redis.hincrby(f"{self._place}:counted", field, 1), unless=0
        )

    async def counted(self) -> Counted | None:
        """Return what all processes have counted, None where Redis is away, or holds no counts."""
        found = await self._reach.ask(
            lambda: self._redis.hgetall(f"{self._place}:counted"), unless=None
        )
        if found is None:
            return None
        try:
            return Counted(*(int(found.get(name.encode(), 0)) for name in (_HITS, _MISSES)))
        except ValueError:
            return None

    async def forget(self) -> None:
        """Forget all answers of this installation, and what was counted."""

        async def forget() -> None:
            async for name in self._redis.scan_iter(f"{self._place}:*", count=1_000):
                await self._redis.unlink([name])

        await self._reach.ask(forget, unless=None)

    async def close(self) -> None:
        """Close the connections."""
        self._redis.connection_pool.disconnect()

    def _name(self, key: Key) -> str:
        return f"{self._place}:{derive(self._pepper, 'figures-answer', *key)}"

    def _box(self, key: Key) -> Fernet:
        return Fernet(derive(self._pepper, "figures-answer-seal", *key) + "=")


def answers_at(redis_url: str | None, peppers: Sequence[Pepper], clock: Clock) -> Answers:
    """Return where answers are kept by the settings. Raises `Misconfigured`."""
    if redis_url is None:
        return MemoryAnswers()
    return RedisAnswers(redis_at(redis_url), peppers[0].secret, clock)
