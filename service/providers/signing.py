"""Signature arithmetic that providers share: over bytes, in constant time.

Checking never raises. Signing under an empty secret does: anybody could make that signature.
"""

import hashlib
import hmac
from collections.abc import Iterable

from service.core.errors import Misconfigured


def hmac_sha256_hex(secret: str, message: bytes) -> str:
    """Return the hex HMAC-SHA256 of a message under a secret, taken as it is written.

    Raises `Misconfigured` for an empty secret.
    """
    return hmac.digest(_key(secret), message, hashlib.sha256).hex()


def salted_sha256_hex(message: bytes, salt: str) -> str:
    """Return the hex SHA-256 of a message and a secret salt behind it.

    Raises `Misconfigured` for an empty salt.
    """
    return sha256_hex(message + _key(salt))


def sha256_hex(message: bytes) -> str:
    """Return the hex SHA-256 of a message."""
    return hashlib.sha256(message).hexdigest()


def is_secret(text: str | None) -> bool:
    """Return whether a text can be a secret: an empty or blank one can't."""
    return text is not None and bool(text.strip())


def same_signature(expected: str, given: str) -> bool:
    """Compare in constant time; a signature with letters outside of ASCII is just another one."""
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogateescape"))


def signed_by_any(secrets: Iterable[str], message: bytes, given: Iterable[str]) -> bool:
    """Return whether any of the secrets made any of the given signatures of the message.

    Every pair is compared, so that the time taken does not reveal which secret it was. An
    empty string is no secret.
    """
    signatures = tuple(given)
    found = False
    for secret in filter(is_secret, secrets):
        expected = hmac_sha256_hex(secret, message)
        for signature in signatures:
            found |= same_signature(expected, signature)
    return found


def _key(secret: str) -> bytes:
    if not is_secret(secret):
        raise Misconfigured("A secret is empty: anybody could make what is signed under it.")
    return secret.encode()
