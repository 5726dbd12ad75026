"""Identifiers and digests: made by the operating system's random source, or derived from a seed."""

import base64
import hashlib
import hmac
import re
import secrets

from service.core.errors import Misconfigured

SESSION_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
MERCHANT_ID = SESSION_ID

# As the providers write theirs: https://razorpay.com/docs/api, https://docs.stripe.com/api (24
# characters, 14 before 2013, more in Checkout sessions), https://developer.phonepe.com.
_PROVIDERS_ID = re.compile(
    r"(order|pay|plink)_[A-Za-z0-9]{14}"
    r"|cs_(test|live)_[A-Za-z0-9]{14,}"
    r"|(pi|ch|in|sub)_([A-Za-z0-9]{14}|[A-Za-z0-9]{24})"
    r"|(OMO?|T)[0-9]{22}"
)


def looks_like_a_providers(value: str) -> bool:
    """Return whether an id is shaped exactly as a provider's own; `order_1042` is not."""
    return _PROVIDERS_ID.fullmatch(value) is not None


def new_session_id() -> str:
    """Make a session id: `ps_` and 128 random bits."""
    return f"ps_{_base64url(secrets.token_bytes(16))}"


def session_id_from(seed: str) -> str:
    """Derive a session id from a seed, so that a repeated call after a crash finds the same one."""
    return f"ps_{_base64url(hashlib.sha256(seed.encode()).digest()[:16])}"


def new_refund_id() -> str:
    """Make a refund's id: `rf-` and 128 random bits in hex, which every provider takes as it is."""
    return f"rf-{secrets.token_hex(16)}"


def refund_id_from(seed: str) -> str:
    """Derive a refund's id from a seed, so that a repeated call after a crash finds the same."""
    return f"rf-{digest(seed)[:32]}"


def new_id(prefix: str) -> str:
    """Make an id of 128 random bits behind a prefix."""
    return f"{prefix}_{_base64url(secrets.token_bytes(16))}"


def new_key(prefix: str) -> str:
    """Make an API key or a secret of 256 random bits behind a prefix."""
    return f"{prefix}{_base64url(secrets.token_bytes(32))}"


def digest(value: str | bytes) -> str:
    """Return the SHA-256 of a value in hex; enough for secrets of 112 bits (ASVS 6.5.2)."""
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).hexdigest()


def derive(key: str, *parts: str) -> str:
    """Derive 256 bits from a key for one purpose: HMAC-SHA256 over length-prefixed parts.

    Raises `Misconfigured` for an empty key: anybody could derive the same.
    """
    if not key:
        raise Misconfigured("A secret is empty: anybody could derive what is derived from it.")
    encoded = [part.encode() for part in parts]
    message = b"".join([len(part).to_bytes(4, "big") + part for part in encoded])
    return _base64url(hmac.digest(key.encode(), message, "sha256"))


def same(left: str, right: str) -> bool:
    """Compare two strings in constant time, whatever characters they hold."""
    return hmac.compare_digest(left.encode(), right.encode())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
