"""An identity provider's key set (RFC 7517), fetched when it is needed and remembered."""

import asyncio
from datetime import datetime, timedelta

import httpx
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

from service.core.clock import Clock
from service.core.errors import Unauthenticated, Unavailable

FETCH_WITHIN_S = 3.0
REMEMBERED_FOR = timedelta(minutes=10)
ASKED_AGAIN_AFTER = timedelta(minutes=1)
_LARGEST = 256_000

# The algorithm follows from the key, never from the token: an RSA key can't serve as HMAC secret.
ALGORITHMS = ("RS256", "ES256")


class KeySet:
    """The public keys at one address.

    An unknown key id makes it ask again at most once a minute, so that a rotation is noticed and
    a stream of forged tokens asks nobody. While the address is silent, known keys stay good.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        """Remember where the keys are; nothing is fetched yet."""
        self._url = url
        self._clock = clock
        self._keys: dict[str | None, PyJWK] = {}
        self._fetched_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._asking = asyncio.Lock()

    async def find(self, key_id: str | None) -> PyJWK:
        """Find a key by its id; a token without one takes the only key of a set of one.

        Raises `Unauthenticated` for an unknown id, `Unavailable` when no key was ever fetched.
        """
        if self._is_stale() or self._pick(key_id) is None:
            async with self._asking:
                if self._may_ask():
                    await self._fetch()
        if not self._keys:
            raise Unavailable("The identity provider's keys can't be read now; try again.")
        if (found := self._pick(key_id)) is None:
            raise Unauthenticated("The token is signed by an unknown key.", code="invalid_token")
        return found

    def _pick(self, key_id: str | None) -> PyJWK | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    def _is_stale(self) -> bool:
        return self._fetched_at is None or self._clock.now() - self._fetched_at >= REMEMBERED_FOR

    def _may_ask(self) -> bool:
        return self._asked_at is None or self._clock.now() - self._asked_at >= ASKED_AGAIN_AFTER

    async def _fetch(self) -> None:
        self._asked_at = self._clock.now()
        try:
            async with httpx.AsyncClient(timeout=FETCH_WITHIN_S) as http:
                answer = await http.get(self._url)
            answer.raise_for_status()
            self._keys = _usable(answer.content)
        except (httpx.HTTPError, PyJWTError, ValueError, TypeError, AttributeError):
            return  # the keys that are known stay good; the next call in a minute asks again
        self._fetched_at = self._asked_at


def _usable(body: bytes) -> dict[str | None, PyJWK]:
    if len(body) > _LARGEST:
        raise ValueError("a key set of this size is none")
    keys = PyJWKSet.from_json(body.decode()).keys
    return {
        key.key_id: key
        for key in keys
        if key.algorithm_name in ALGORITHMS and key.public_key_use in (None, "sig")
    }
