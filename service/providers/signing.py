"""Signature arithmetic that providers share: over bytes, in constant time, never raising."""

import hashlib
import hmac
from collections.abc import Iterable


def hmac_sha256_hex(secret: str, message: bytes) -> str:
    """Give the hex HMAC-SHA256 of a message under a secret, taken as it is written."""
    return hmac.digest(secret.encode(), message, hashlib.sha256).hex()


def sha256_hex(message: bytes) -> str:
    """Give the hex SHA-256 of a message."""
    return hashlib.sha256(message).hexdigest()


def same_signature(expected: str, given: str) -> bool:
    """Compare in constant time; a signature with letters outside of ASCII is just another one."""
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogateescape"))


def signed_by_any(secrets: Iterable[str], message: bytes, given: Iterable[str]) -> bool:
    """Tell whether any of the secrets made any of the given signatures of the message.

    Every pair is compared, so that the time tells nothing of which secret it was.
    """
    signatures = tuple(given)
    found = False
    for secret in secrets:
        expected = hmac_sha256_hex(secret, message)
        for signature in signatures:
            found |= same_signature(expected, signature)
    return found
