"""An identity provider's key set (RFC 7517), fetched when it is needed and remembered."""

import asyncio
from datetime import datetime, timedelta

import httpx
import structlog
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

from service.core.clock import Clock
from service.core.errors import Unauthenticated, Unavailable

FETCH_WITHIN_S = 3.0
REMEMBERED_FOR = timedelta(minutes=10)
GOOD_FOR = timedelta(hours=1)
ASKED_AGAIN_AFTER = timedelta(minutes=1)
TRIED_AGAIN_AFTER = timedelta(seconds=10)
_LARGEST = 256_000

# What reading an invalid key set raises.
_NO_KEY_SET = (ValueError, TypeError, AttributeError, RecursionError)

# The algorithm follows from the key, never from the token: an RSA key can't serve as HMAC secret.
ALGORITHMS = ("RS256", "ES256")

_log = structlog.get_logger("tillgate.tokens")


class KeySet:
    """The public keys at one address.

    They are the last set that the address returned: a token's key id is looked up and never
    stored, so made-up ones take no memory. An unknown one triggers a new request at most once a
    minute, so that a rotation is noticed and a stream of forged tokens causes no requests. While
    the address is silent its keys stay valid for an hour after its last answer: a leaked key that
    was withdrawn must expire even if the attacker can keep the address from answering.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        """Use this address; nothing is fetched yet."""
        self._url = url
        self._clock = clock
        self._keys: dict[str | None, PyJWK] = {}
        self._fetched_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._asking = asyncio.Lock()

    async def find(self, key_id: str | None) -> PyJWK:
        """Find a key by its id; a token without one takes the only key of a set of one.

        Raises `Unauthenticated` for an unknown id, `Unavailable` if the address has been silent for
        too long, or always. Only one caller waits while the keys are fetched again.
        """
        if self._pick(key_id) is None or (self._is_old(REMEMBERED_FOR) and not self._is_asking()):
            async with self._asking:
                if self._may_ask():
                    await self._fetch()
        if self._is_old(GOOD_FOR):
            wait = int(TRIED_AGAIN_AFTER.total_seconds())
            raise Unavailable(
                "The identity provider's keys can't be read now; try again.", retry_after=wait
            )
        if (found := self._pick(key_id)) is None:
            raise Unauthenticated("The token is signed by an unknown key.", code="invalid_token")
        return found

    def _pick(self, key_id: str | None) -> PyJWK | None:
        if self._is_old(GOOD_FOR):
            return None
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    def _is_old(self, age: timedelta) -> bool:
        return self._fetched_at is None or self._clock.now() - self._fetched_at >= age

    def _is_asking(self) -> bool:
        return self._asking.locked()

    def _may_ask(self) -> bool:
        if self._asked_at is None:
            return True
        answered = self._asked_at == self._fetched_at
        wait = ASKED_AGAIN_AFTER if answered else TRIED_AGAIN_AFTER
        return self._clock.now() - self._asked_at >= wait

    async def _fetch(self) -> None:
        self._asked_at = self._clock.now()
        try:
            async with asyncio.timeout(FETCH_WITHIN_S):
                self._keys = _usable(await _read(self._url))
        except (httpx.HTTPError, PyJWTError, TimeoutError, *_NO_KEY_SET) as error:
            # The known keys stay valid for a while; a later call asks again.
            _log.warning("the key set can't be read", reason=type(error).__name__)
            return
        self._fetched_at = self._asked_at


async def _read(url: str) -> bytes:
    """Read a key set of limited size. Raises what `httpx` raises, and `ValueError`."""
    body = b""
    async with httpx.AsyncClient() as http, http.stream("GET", url) as answer:
        answer.raise_for_status()
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > _LARGEST:
                raise ValueError("a key set of this size is none")
    return body


def _usable(body: bytes) -> dict[str | None, PyJWK]:
    """Return the signing keys; a set without any is refused. Raises `ValueError`."""
    found = {
        key.key_id: key
        for key in PyJWKSet.from_json(body.decode()).keys
        if key.algorithm_name in ALGORITHMS and key.public_key_use in (None, "sig")
    }
    if not found:
        raise ValueError("no key of this set signs tokens that are taken here")
    return found
