"""PhonePe's two ways to vouch for a message: pure functions over bytes, headers and secrets.

v1 signs the content; v2 sends a constant that does not cover the body, so that everything it says
is a hint. Sources: https://developer.phonepe.com/v1/reference/server-to-server-callback-5 and
https://developer.phonepe.com/v1/reference/handling-webhooks-standard-checkout-1.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from service.core.errors import MalformedBody, SignatureRejected
from service.core.strict_json import JsonObject, parse
from service.providers.signing import is_secret, salted_sha256_hex, same_signature, sha256_hex

V1_HEADER = "x-verify"
V2_HEADER = "authorization"

_X_VERIFY = re.compile(r"([0-9a-f]{64})###([0-9]{1,4})")
# One piece without a quote: what is signed is base64, and a body of megabytes is read only once.
_RESPONSE = re.compile(rb'"response"\s*:\s*"([^"]*)"')
_AUTHORIZATION = re.compile(r"(?:SHA256 )?([0-9a-f]{64})", re.IGNORECASE | re.ASCII)


class Secrets(Struct, frozen=True):
    """What incoming messages are checked with; a scheme whose secret is None is not accepted.

    `salts` are v1's salt keys by index, `webhook_login` is `username:password` of v2.
    """

    salts: Mapping[str, str]
    webhook_login: str | None

    def __repr__(self) -> str:
        """Show none of it: what is printed by chance holds no secret."""
        return "Secrets()"


class Message(Struct, frozen=True):
    """A message from PhonePe. `vouched` is v1's response in base64, or the whole body of v2."""

    version: Literal["v1", "v2"]
    vouched: bytes


def verify_webhook(headers: Mapping[str, str], body: bytes, secrets: Secrets) -> Message:
    """Check a callback (v1) or a webhook (v2); nothing is parsed. Raises `SignatureRejected`."""
    x_verify, authorization = headers.get(V1_HEADER), headers.get(V2_HEADER)
    if x_verify:
        return _checked_callback(x_verify, body, secrets.salts)
    if authorization:
        _check_login(authorization, secrets.webhook_login)
        return Message("v2", body)
    raise SignatureRejected("missing", "Neither X-VERIFY nor Authorization was sent.")


def callback_of(body: bytes) -> Message:
    """Find the response in the body of a callback. Raises `MalformedBody` where there is none.

    The signature covers the response and nothing around it, so the JSON around it is not parsed:
    what stands there is never looked at.
    """
    found = _RESPONSE.search(body)
    try:
        response = json.loads(b'"%s"' % found[1], strict=False) if found else None
    except ValueError:  # an escape that is none, or bytes that are not UTF-8
        response = None
    if not isinstance(response, str) or not response:
        raise MalformedBody("The callback has no response.")
    return Message("v1", response.encode("utf-8", "surrogatepass"))


def read_content(message: Message) -> JsonObject:
    """Parse what a message says. Raises `MalformedBody`."""
    raw = message.vouched
    if message.version == "v1":
        try:
            raw = base64.b64decode(raw, validate=True)
        except binascii.Error as error:
            raise MalformedBody("The response is not base64.") from error
    content = parse(raw)
    if not isinstance(content, dict):
        raise MalformedBody("The body is not a JSON object.")
    return content


def x_verify_of(message: str, salt: str, index: str) -> str:
    """Sign a message of v1: the hex SHA-256 of message and salt, `###`, the salt's index.

    Raises `Misconfigured` for an empty salt.
    """
    return f"{salted_sha256_hex(message.encode(), salt)}###{index}"


def login_of(username: str | None, password: str | None) -> str | None:
    """Return what v2 hashes, `username:password`; None unless both are there."""
    return f"{username}:{password}" if is_secret(username) and is_secret(password) else None


def _checked_callback(header: str, body: bytes, salts: Mapping[str, str]) -> Message:
    given = _X_VERIFY.fullmatch(header)
    if not given:
        raise SignatureRejected("malformed", "X-VERIFY is not a SHA-256 in hex and an index.")
    salt = salts.get(given[2])
    if salt is None or not is_secret(salt):
        raise SignatureRejected("mismatch", "X-VERIFY names a salt that we don't have.")
    try:
        message = callback_of(body)
    except MalformedBody as error:
        raise SignatureRejected("malformed", error.message) from error
    if not same_signature(salted_sha256_hex(message.vouched, salt), given[1]):
        raise SignatureRejected("mismatch", "X-VERIFY was made with another salt.")
    return message


def _check_login(header: str, login: str | None) -> None:
    given = _AUTHORIZATION.fullmatch(header)
    if not given:
        raise SignatureRejected("malformed", "Authorization is not a SHA-256 in hex.")
    if login is None or not same_signature(sha256_hex(login.encode()), given[1].lower()):
        raise SignatureRejected("mismatch", "Authorization is of another login.")
