"""Idempotency-Key on handlers with the opt `idempotent`.

The first call claims the key by an insert, runs, and stores its answer for a day; a repeated call
gets that answer. Only answers below 400 are stored: after an error the call may be repeated. A run
that crashed is taken over after a minute, with the same seed, so that what it created is found.
"""

import secrets
from collections.abc import Sequence

import structlog
from cryptography.fernet import Fernet
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from service.core.clock import Clock
from service.core.errors import Busy, PayloadDiffers, Unavailable
from service.core.ids import derive, digest
from service.core.peppers import Pepper
from service.core.principal import Principal
from service.storage.answering import DatabaseError
from service.web.bodies import read_body
from service.web.idempotency import repository
from service.web.idempotency.documents import IdempotencyKey
from service.web.idempotency.repository import Claim

# Opt of a POST handler that creates something.
IDEMPOTENT = "idempotent"

_log = structlog.get_logger("tillgate.idempotency")


class Idempotency:
    """Runs a call once for each key; puts `idempotency_seed` into the request's state."""

    def __init__(self, peppers: Sequence[Pepper], clock: Clock) -> None:
        """Derive everything with a pepper, so that a copy of the database reveals no answer.

        Calls are claimed with the first; calls begun with the others are found, too.
        """
        self._newest, *self._others = peppers
        self._clock = clock

    async def run(
        self, key: str, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp
    ) -> None:
        """Run, replay or refuse a principal's call that carries a key.

        Raises `PayloadDiffers` and `Busy` (409).
        """
        body = await read_body(scope, receive)
        payload = digest(scope["query_string"] + b"\n" + body)
        of_call = _parts(scope["state"]["principal"], scope, key)
        wanted = _claim(self._newest, of_call, payload)
        pepper, standing = self._newest, await repository.claim(wanted, self._clock.now())
        if standing is None and self._others:
            try:
                found = await self._begun_under_another(of_call, payload)
            except Busy:
                await repository.release(wanted)
                raise
            if found is not None:
                await repository.release(wanted)
                pepper, wanted = found
                standing = await repository.claim(wanted, self._clock.now())
        seal = Fernet(derive(pepper.secret, "idempotency-answer", wanted.id, key) + "=")
        if standing is not None:
            await _replay(standing, wanted, seal, send)
            return
        scope["state"]["idempotency_seed"] = wanted.id
        await _run(wanted, seal, scope, receive, send, next_app)

    async def _begun_under_another(
        self, of_call: Sequence[str], payload: str
    ) -> tuple[Pepper, Claim] | None:
        """Find a call that was begun with another pepper; None if there is none.

        Ours is claimed already: of two servers with different first peppers at least one sees the
        other's claim, and whoever sees one in flight gives up, so that never both run. Raises
        `Busy`.
        """
        now = self._clock.now()
        claims = {
            claim.id: (pepper, claim)
            for pepper in self._others
            for claim in (_claim(pepper, of_call, payload),)
        }
        row = await repository.first_known(list(claims), now)
        if row is None:
            return None
        if row.state == "in_flight" and row.locked_until > now:
            raise _still_running()
        return claims[row.id]


def _parts(principal: Principal, scope: Scope, key: str) -> tuple[str, ...]:
    """Return the caller, the path and the key."""
    return (principal.merchant_id, principal.kind, _identity(principal), scope["path"], key)


def _claim(pepper: Pepper, of_call: Sequence[str], payload: str) -> Claim:
    return Claim(
        id=pepper.derive("idempotency-key", *of_call),
        payload_hash=pepper.derive("idempotency-payload", payload),
        owner=secrets.token_hex(8),
    )


def _identity(principal: Principal) -> str:
    """Return what identifies a caller, besides its kind and merchant.

    A user by the token's `sub`. Nothing more for a secret or admin key, so that a call is still
    done once when the key is rotated; who is given the answer may do the same by their own scopes.
    Nor for a publishable one, which anybody can have: its idempotency key can't be guessed.
    """
    return principal.user_id or ""


async def _replay(standing: IdempotencyKey, wanted: Claim, seal: Fernet, send: Send) -> None:
    if standing.payload_hash != wanted.payload_hash:
        raise PayloadDiffers("This Idempotency-Key came before with another payload.")
    if standing.state == "in_flight" or standing.status is None or standing.sealed_body is None:
        raise _still_running()
    body = seal.decrypt(standing.sealed_body)
    headers = [
        (b"content-type", (standing.content_type or "application/json").encode()),
        (b"content-length", str(len(body)).encode()),
        (b"idempotent-replayed", b"true"),
    ]
    await send({"type": "http.response.start", "status": standing.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _still_running() -> Busy:
    return Busy("The first call with this Idempotency-Key is still running.", retry_after=1)


class _Answer:
    """Holds an answer back until it is stored, or known not to be."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.status = 0
        self.content_type = ""
        self.body = b""

    async def take(self, message: Message) -> None:
        self.messages.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = {name.lower(): value for name, value in message["headers"]}
            self.content_type = headers.get(b"content-type", b"").decode("latin-1")
        elif message["type"] == "http.response.body":
            self.body += message["body"]


async def _run(
    held: Claim, seal: Fernet, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp
) -> None:
    answer = _Answer()
    kept = False
    try:
        await next_app(scope, receive, answer.take)
        if 0 < answer.status < 400:
            # From here on the work is done: the row stays, in flight if need be.
            kept = True
            await _keep(held, answer, seal)
    finally:
        if not kept:
            await _forget(held)
    for message in answer.messages:
        await send(message)


async def _keep(held: Claim, answer: _Answer, seal: Fernet) -> None:
    try:
        sealed = seal.encrypt(answer.body)
        await repository.keep_answer(held, answer.status, answer.content_type, sealed)
    except (Unavailable, DatabaseError):
        # The caller gets the answer anyway; a repeated call runs again with the same seed.
        _log.warning("answer not kept: the database does not take it")


async def _forget(held: Claim) -> None:
    try:
        await repository.release(held)
    except Unavailable:
        _log.warning("claim not released: the database does not answer; it ends in a minute")
