"""One call on Stripe's wire: who calls, which call it is, and its idempotency key.

Keys: https://docs.stripe.com/api/authentication. Idempotency:
https://docs.stripe.com/api/idempotent_requests: for POST, kept for a day, with the answer even
where it is an error, unless the call was refused before it began.
"""

import json
import secrets
from datetime import timedelta

import structlog
from msgspec import Struct
from msgspec.structs import replace

from service.core.errors import Conflict
from service.core.ids import digest
from service.core.strict_json import JsonObject
from service.providers.stripe.settings import StripeSettings
from tillgate_sandbox import repository
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.documents import SandboxKey
from tillgate_sandbox.stripe.calls import Found, find_call
from tillgate_sandbox.stripe.expanding import expanded, read_expands
from tillgate_sandbox.stripe.form import parse_form
from tillgate_sandbox.stripe.refusals import StripeRefused, check_key
from tillgate_sandbox.stripe.render import API_VERSION

KEYS_KEPT_FOR = timedelta(hours=24)
_LONGEST_KEY = 255

log = structlog.get_logger(__name__)


class Asked(Struct, frozen=True):
    """A request as it came. `form` is the body of a POST, the query of another method."""

    method: str
    path: str
    form: bytes
    authorization: str | None = None
    idempotency_key: str | None = None

    def __repr__(self) -> str:
        """Name the call, without the key that authorizes it."""
        return f"Asked({self.method} {self.path})"


class Answer(Struct, frozen=True):
    """What goes back."""

    status: int
    body: bytes
    headers: dict[str, str]


async def answer(asked: Asked, sandbox: Sandbox) -> Answer:
    """Answer a call; every failure is an answer in Stripe's own shape."""
    try:
        check_key(asked.authorization, sandbox.settings.of(StripeSettings))
        found = find_call(asked.method, asked.path)
        if asked.method != "POST" or asked.idempotency_key is None:
            return await _run(found, asked, sandbox)
        return await _once(found, asked, sandbox)
    except StripeRefused as refusal:
        return _refused(refusal)
    except Conflict as conflict:  # two calls about one object at once
        return _refused(StripeRefused(conflict.message, status=409, code="lock_timeout"))


async def _run(found: Found, asked: Asked, sandbox: Sandbox) -> Answer:
    given = parse_form(asked.form)
    expands = read_expands(given, found.kind)
    answered = await found.call(sandbox, found.ids, given)
    return _answered(200, await expanded(answered, found.kind, expands))


async def _once(found: Found, asked: Asked, sandbox: Sandbox) -> Answer:
    """Run a call once for its key, and give every copy the first one's answer."""
    key = asked.idempotency_key or ""
    if not 0 < len(key) <= _LONGEST_KEY:
        message = f"Idempotency keys can have up to {_LONGEST_KEY} characters."
        raise StripeRefused(message, kind="idempotency_error")
    row = SandboxKey(
        id=f"stripe:{digest(key)}",
        parameters=f"{asked.path} {digest(json.dumps(parse_form(asked.form), sort_keys=True))}",
        purge_at=sandbox.clock.now() + KEYS_KEPT_FOR,
    )
    known = await repository.claim_key(row, sandbox.clock.now())
    if known is not None:
        return _replayed(known, row, key)
    try:
        given = await _run(found, asked, sandbox)
    except StripeRefused as refusal:
        if not refusal.began:
            await repository.release_key(row.id)
            raise
        given = _refused(refusal)
    except Conflict:
        await repository.release_key(row.id)
        raise
    except Exception:  # Stripe keeps even a failure of its own
        log.exception("the played Stripe failed", path=asked.path)
        given = _refused(StripeRefused("An unknown error occurred.", status=500, kind="api_error"))
    await repository.keep_answer(row.id, given.status, given.body)
    return replace(given, headers=given.headers | {"Idempotency-Key": key})


def _replayed(known: SandboxKey, wanted: SandboxKey, key: str) -> Answer:
    first, asked = known.parameters.partition(" ")[0], wanted.parameters.partition(" ")[0]
    if first != asked:
        message = (
            "Keys for idempotent requests can only be used for the same endpoint they were first "
            f"used for ('{asked}' vs '{first}'). Try using a key other than '{key}' if you meant "
            "to execute a different request."
        )
        raise StripeRefused(message, kind="idempotency_error")
    if known.parameters != wanted.parameters:
        message = (
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try using a key other than '{key}' if you meant to execute a "
            "different request."
        )
        raise StripeRefused(message, kind="idempotency_error")
    if known.status is None or known.answer is None:
        message = (
            "There is currently another in-progress request using this Idempotent Key (that "
            "probably means you submitted twice, and the other request is still going through): "
            f"{key}. Try again later."
        )
        raise StripeRefused(
            message, status=409, kind="idempotency_error", code="idempotency_key_in_use"
        )
    headers = _headers() | {"Idempotency-Key": key, "Idempotent-Replayed": "true"}
    return Answer(known.status, bytes(known.answer), headers)


def _refused(refusal: StripeRefused) -> Answer:
    headers = {"WWW-Authenticate": 'Basic realm="Stripe"'} if refusal.status == 401 else {}
    if refusal.status == 409:
        headers["Stripe-Should-Retry"] = "true"
    found = _answered(refusal.status, refusal.body())
    return replace(found, headers=found.headers | headers)


def _answered(status: int, body: JsonObject) -> Answer:
    return Answer(status, json.dumps(body, indent=2).encode(), _headers())


def _headers() -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "Request-Id": f"req_{secrets.token_hex(7)}",
        "Stripe-Version": API_VERSION,
    }
