"""Sign in, recognise, sign out."""

import secrets
from datetime import timedelta

from service.core.clock import Clock
from service.core.errors import Unauthenticated
from service.core.ids import digest
from service.core.principal import Principal
from service.web.keys.ring import KeyRing
from service.web.sign_ins import repository
from service.web.sign_ins.documents import SignIn

LASTS = timedelta(hours=12)
IDLE = timedelta(minutes=30)
# A page that is reloaded continually is recorded at most this often.
NOTED_EVERY = timedelta(minutes=1)


async def sign_in(key: str, reader: Principal, clock: Clock) -> str:
    """Record that the holder of a key has signed in, and return the token: 256 random bits.

    It is always new, whatever the browser sent before.
    """
    token, now = secrets.token_urlsafe(32), clock.now()
    kept = SignIn(
        id=digest(token),
        merchant_id=reader.merchant_id,
        key_hash=digest(key),
        created_at=now,
        lapses_at=now + IDLE,
        ends_at=now + LASTS,
    )
    await repository.insert(kept)
    return token


async def recognise(
    token: str | None, keys: KeyRing, clock: Clock, *, attended: bool = True
) -> Principal | None:
    """Return who is signed in: None after its end, too long a pause, or the end of the key.

    Only a person's action (`attended`) restarts the pause. Raises `Unavailable`.
    """
    if token is None:
        return None
    found, now = await repository.find(digest(token)), clock.now()
    if found is None or now >= found.lapses_at:
        return None
    try:
        reader = await keys.recall(found.key_hash)
    except Unauthenticated:
        return None
    lapses_at = min(now + IDLE, found.ends_at)
    if attended and lapses_at - found.lapses_at >= NOTED_EVERY:
        await repository.prolong(found.id, lapses_at)
    return reader


async def sign_out(token: str | None) -> bool:
    """End a sign-in at once, in every process. Returns whether there was one."""
    return token is not None and await repository.remove(digest(token)) is not None
