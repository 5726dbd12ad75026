"""What can be read from a call: its session, its error, its token. Pure.

It is read from the traffic alone, as any observer could, so that neither the service's handlers nor
those of the played providers know about it.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct

from service.core.errors import MalformedBody
from service.core.ids import SESSION_ID, digest
from service.core.strict_json import JsonObject, parse
from service.providers.reading import distinct, inner, text
from service.providers.registry import ProviderName
from service.web.logs.masking import mask_text
from tillgate_sandbox.razorpay.render import ORDER, link_id_of
from tillgate_sandbox.stripe.form import parse_form
from tillgate_sandbox.stripe.refusals import StripeRefused

_ID_IN_PATH: dict[ProviderName, re.Pattern[str]] = {
    "stripe": re.compile(r"/v1/(?:checkout/)?+[a-z_]+/([^/]+)"),
    "razorpay": re.compile(r"/v1/[a-z_]+/([^/]+)"),
    "phonepe": re.compile(
        r"/(?:checkout/v2/order|payments/v2/refund|pg/v1/status/[^/]+)/([^/]+)(?:/status)?$"
    ),
}
# In a request or an answer: other ids that a call may be about.
_ID_FIELDS = ("id", "payment_intent", "originalMerchantOrderId", "merchantOrderId")
_LONGEST_ERROR = 200


class Exchange(Struct, frozen=True):
    """A request and its answer, unparsed. `parameters` are those of the service's path."""

    path: str
    parameters: Mapping[str, Any]
    query: bytes
    headers: dict[bytes, bytes]
    body: bytes
    status: int | None
    answer: bytes


class CallDetails(Struct, frozen=True):
    """What was read from an exchange.

    If it names no session, `ids` are provider's ids by which to find it, and `asked_for` is what
    the caller sent as a session id.
    """

    session_id: str | None = None
    ids: tuple[str, ...] = ()
    asked_for: str | None = None
    error: str | None = None
    idempotency_key: str | None = None
    grant: str | None = None


def read_wire(provider: ProviderName, exchange: Exchange) -> CallDetails:
    """Read a call to a provider."""
    asked = _form(exchange.body) if provider == "stripe" else _object(exchange.body)
    answer = _object(exchange.answer)
    in_path = _ID_IN_PATH[provider].match(exchange.path)
    named = [text(asked, field) or text(answer, field) for field in _ID_FIELDS]
    ids = distinct(in_path[1] if in_path else None, *named)
    links = [link_id_of(one) for one in ids if provider == "razorpay" and one.startswith(ORDER)]
    return CallDetails(
        session_id=_named_session(asked),
        ids=(*ids, *links),
        error=_error(answer, exchange.status),
        idempotency_key=_key(exchange.headers),
        grant=_grant(answer, exchange.headers) if provider == "phonepe" else None,
    )


def read_api(exchange: Exchange) -> CallDetails:
    """Read a call to the service."""
    answer, asked = _object(exchange.answer), _object(exchange.body)
    query = dict(parse_qsl(exchange.query.decode("latin-1")))
    found = text(inner(answer, "session"), "sessionId") or text(answer, "sessionId")
    in_path = exchange.parameters.get("session_id")
    wanted = str(in_path) if in_path else query.get("sessionId") or text(asked, "sessionId")
    return CallDetails(
        session_id=found,
        ids=distinct(wanted),
        asked_for=_session_id(wanted),
        error=_error(answer, exchange.status),
    )


def _named_session(asked: JsonObject) -> str | None:
    """Read the session that a checkout is opened for; each provider has another field for it."""
    return _session_id(
        text(inner(asked, "metadata"), "sessionId")
        or text(inner(asked, "notes"), "sessionId")
        or text(inner(asked, "metaInfo"), "udf1")
        or text(asked, "client_reference_id")
        or text(asked, "receipt")
        or text(asked, "reference_id")
    )


def _session_id(given: str | None) -> str | None:
    return given if given and SESSION_ID.fullmatch(given) else None


def _error(answer: JsonObject, status: int | None) -> str | None:
    """Read the error code: Stripe's, Razorpay's or PhonePe's, or our own."""
    if status is None or status < 400:
        return None
    error = inner(answer, "error")
    word = (
        text(error, "description")
        or text(error, "code")
        or text(error, "type")
        or text(answer, "code")
        or text(answer, "error")
    )
    return mask_text(word)[:_LONGEST_ERROR] if word else None


def _key(headers: dict[bytes, bytes]) -> str | None:
    given = headers.get(b"idempotency-key") or headers.get(b"x-refund-idempotency")
    return mask_text(given.decode("latin-1"))[:_LONGEST_ERROR] if given else None


def _grant(answer: JsonObject, headers: dict[bytes, bytes]) -> str | None:
    """Return a name for the token that was issued or used, not the token."""
    scheme, _, used = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    token = text(answer, "access_token") or (used if scheme == "O-Bearer" else None)
    return digest(token)[:12] if token else None


def _object(body: bytes) -> JsonObject:
    try:
        found = parse(body) if body else {}
    except MalformedBody:
        return {}
    return found if isinstance(found, dict) else {}


def _form(body: bytes) -> JsonObject:
    try:
        return parse_form(body)
    except StripeRefused:
        return {}
