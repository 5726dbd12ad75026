"""PhonePe's two ways to vouch for a message: pure functions over bytes, headers and secrets.

v1 signs the content; v2 sends a constant that does not cover the body, so that everything it says
is a hint. Sources: https://developer.phonepe.com/v1/reference/server-to-server-callback-5 and
https://developer.phonepe.com/v1/reference/handling-webhooks-standard-checkout-1.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from service.core.errors import MalformedBody, SignatureRejected
from service.core.strict_json import JsonObject, parse
from service.providers.reading import text
from service.providers.signing import same_signature, sha256_hex

V1_HEADER = "x-verify"
V2_HEADER = "authorization"

_X_VERIFY = re.compile(r"([0-9a-f]{64})###([0-9]{1,4})")
_AUTHORIZATION = re.compile(r"(?:SHA256 )?([0-9a-f]{64})", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What incoming messages are checked with; a scheme whose secret is None is not accepted.

    `salts` are v1's salt keys by index, `webhook_login` is `username:password` of v2.
    """

    salts: Mapping[str, str] = field(repr=False)
    webhook_login: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """A message from PhonePe: v1's decoded response, or v2's body."""

    version: Literal["v1", "v2"]
    content: JsonObject


def verify_webhook(headers: Mapping[str, str], body: bytes, secrets: Secrets) -> Message:
    """Check a callback (v1) or a webhook (v2). Raises `SignatureRejected`."""
    x_verify, authorization = headers.get(V1_HEADER), headers.get(V2_HEADER)
    if x_verify:
        return Message("v1", _checked_callback(x_verify, body, secrets.salts))
    if authorization:
        _check_login(authorization, secrets.webhook_login)
        return Message("v2", _json_object(body))
    raise SignatureRejected("missing", "Neither X-VERIFY nor Authorization was sent.")


def read_message(body: bytes) -> Message:
    """Read a message that was verified when it was stored. Raises `MalformedBody`."""
    try:
        content = _json_object(body)
        response = text(content, "response")
        return Message("v1", _decoded(response)) if response else Message("v2", content)
    except SignatureRejected as error:
        raise MalformedBody(error.message) from error


def x_verify_of(message: str, salt: str, index: str) -> str:
    """Sign a message of v1: the hex SHA-256 of message and salt, `###`, the salt's index."""
    return f"{sha256_hex((message + salt).encode())}###{index}"


def _checked_callback(header: str, body: bytes, salts: Mapping[str, str]) -> JsonObject:
    given = _X_VERIFY.fullmatch(header)
    if not given:
        raise SignatureRejected("malformed", "X-VERIFY is not a SHA-256 in hex and an index.")
    salt = salts.get(given[2])
    if salt is None:
        raise SignatureRejected("mismatch", "X-VERIFY names a salt that we don't have.")
    response = text(_json_object(body), "response")
    if response is None:
        raise SignatureRejected("malformed", "The callback has no response.")
    if not same_signature(sha256_hex((response + salt).encode()), given[1]):
        raise SignatureRejected("mismatch", "X-VERIFY was made with another salt.")
    return _decoded(response)


def _decoded(response: str) -> JsonObject:
    try:
        raw = base64.b64decode(response.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise SignatureRejected("malformed", "The response is not base64.") from error
    return _json_object(raw)


def _check_login(header: str, login: str | None) -> None:
    given = _AUTHORIZATION.fullmatch(header)
    if not given:
        raise SignatureRejected("malformed", "Authorization is not a SHA-256 in hex.")
    if login is None or not same_signature(sha256_hex(login.encode()), given[1].lower()):
        raise SignatureRejected("mismatch", "Authorization is of another login.")


def _json_object(raw: bytes) -> JsonObject:
    try:
        parsed = parse(raw)
    except MalformedBody as error:
        raise SignatureRejected("malformed", error.message) from error
    if not isinstance(parsed, dict):
        raise SignatureRejected("malformed", "The body is not a JSON object.")
    return parsed
