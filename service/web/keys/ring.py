"""The key ring: from a key to its principal.

Keys of the environment are hashed once at start. Others are looked up in the database and cached
for some seconds, wrong ones too, so that neither costs a query per request; a revoked key keeps
working for that long.
"""

import re
from datetime import datetime, timedelta

from service.core.clock import Clock
from service.core.errors import Misconfigured, Unauthenticated, Unavailable
from service.core.ids import digest, same
from service.core.principal import DEFAULT_MERCHANT, Kind, Principal
from service.web.keys import repository
from service.web.keys.issuing import KEY_ID_LENGTH, PREFIXES
from service.web.settings import AccessSettings

REMEMBERED_FOR = timedelta(seconds=5)
_MARKED_USED_EVERY = timedelta(minutes=1)
_MOST_REMEMBERED = 2048
# The shape of keys from `core.ids.new_key`: nothing else can be in the database.
_ISSUED = re.compile(r"(?:pk|sk|ak|jk)_[A-Za-z0-9_-]{43}")

_Remembered = tuple[Principal | None, datetime]


class KeyRing:
    """All valid keys."""

    def __init__(self, access: AccessSettings, clock: Clock) -> None:
        """Hash the keys of the environment. Raises `Misconfigured` for one of another kind."""
        self._clock = clock
        # Key id -> hash and principal: found by a part of the hash, then compared in full.
        self._fixed: dict[str, tuple[str, Principal]] = {}
        self._remembered: dict[str, _Remembered] = {}
        self._add(Kind.PUBLISHABLE, access.publishable_keys)
        self._add(Kind.SECRET, access.secret_keys)
        self._add(Kind.ADMIN, access.admin_keys)
        self._add(Kind.JOBS, access.jobs_keys)

    async def identify(self, key: str) -> Principal:
        """Find the principal of a key. Raises `Unauthenticated`, or `Unavailable`."""
        key_hash = digest(key)
        return self._fixed_of(key_hash) or await self._stored_of(
            key_hash, may_be_stored=_ISSUED.fullmatch(key) is not None
        )

    async def recall(self, key_hash: str) -> Principal:
        """Find the principal of a key that was used before, by its SHA-256: it may be revoked.

        Raises as `identify` does.
        """
        return self._fixed_of(key_hash) or await self._stored_of(key_hash, may_be_stored=True)

    def _fixed_of(self, key_hash: str) -> Principal | None:
        known = self._fixed.get(key_hash[:KEY_ID_LENGTH])
        return known[1] if known is not None and same(known[0], key_hash) else None

    async def _stored_of(self, key_hash: str, *, may_be_stored: bool) -> Principal:
        found = await self._look_up(key_hash) if may_be_stored else None
        if found is None:
            raise Unauthenticated("This API key is not valid.", code="invalid_api_key")
        return found

    def _add(self, kind: Kind, entries: tuple[str, ...]) -> None:
        for entry in entries:
            name, _, key = entry.rpartition(":")
            if not key.startswith(PREFIXES[kind]):
                raise Misconfigured(f"A {kind} key does not begin with {PREFIXES[kind]}")
            key_hash = digest(key)
            key_id = key_hash[:KEY_ID_LENGTH]
            principal = Principal(kind, DEFAULT_MERCHANT, key_id, name or None)
            self._fixed[key_id] = (key_hash, principal)

    async def _look_up(self, key_hash: str) -> Principal | None:
        now = self._clock.now()
        if (remembered := self._remembered.get(key_hash)) and now < remembered[1]:
            return remembered[0]
        stored = await repository.find_key(key_hash)
        principal = None
        if stored and stored.usable_at(now):
            principal = Principal(
                stored.kind,
                stored.merchant_id,
                key_hash[:KEY_ID_LENGTH],
                stored.name,
                granted=None if stored.scopes is None else frozenset(stored.scopes),
            )
            if not stored.last_used_at or now - stored.last_used_at >= _MARKED_USED_EVERY:
                await _mark_used(key_hash, now)
        self._remember(key_hash, principal, now)
        return principal

    def _remember(self, key_hash: str, principal: Principal | None, now: datetime) -> None:
        self._remembered.pop(key_hash, None)
        while len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.pop(next(iter(self._remembered)))  # the oldest one
        self._remembered[key_hash] = (principal, now + REMEMBERED_FOR)


async def _mark_used(key_hash: str, now: datetime) -> None:
    try:
        await repository.mark_used(key_hash, now)
    except Unavailable:
        return  # bookkeeping, no reason to refuse a caller
