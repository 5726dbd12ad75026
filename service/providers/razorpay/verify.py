"""Razorpay's signatures: pure functions over bytes, headers and secrets.

Source: https://razorpay.com/docs/webhooks/validate-test and
https://razorpay.com/docs/payments/server-integration (checkout callback).
"""

import re
from collections.abc import Iterable, Mapping

from service.core.errors import MalformedBody, SignatureRejected
from service.core.strict_json import JsonObject, parse
from service.providers.reading import text
from service.providers.signing import sha256_hex, signed_by_any

SIGNATURE_HEADER = "x-razorpay-signature"
EVENT_ID_HEADER = "x-razorpay-event-id"

_HEX_SHA256 = re.compile(r"[0-9a-f]{64}")
_LONGEST_NAME = 200
_EVENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def event_id_of(body: bytes) -> str:
    """Return the id of an event: the hash of its bytes, all of which were signed.

    Razorpay names it in a header too, which the signature does not cover: one genuine body under
    ever new names would be ever new events. What Razorpay sends again is the same, byte for byte.
    """
    return sha256_hex(body)


def named_in(headers: Mapping[str, str]) -> str | None:
    """Return what the header calls the event, if it can be kept: information, and no more."""
    named = headers.get(EVENT_ID_HEADER, "")
    return named if _EVENT_ID.fullmatch(named) else None


def check_signature(headers: Mapping[str, str], body: bytes, secrets: Iterable[str]) -> None:
    """Check a webhook's signature over the raw bytes; nothing is parsed.

    Razorpay signs no time, so nothing is ever stale; only the event id guards against a replay.
    Raises `SignatureRejected`.
    """
    _check(headers.get(SIGNATURE_HEADER), body, secrets)


def read_event(body: bytes) -> JsonObject:
    """Parse a webhook. Raises `MalformedBody` for what does not name its event."""
    parsed = parse(body)
    if not isinstance(parsed, dict):
        raise MalformedBody("The body is not a JSON object.")
    if not 0 < len(text(parsed, "event") or "") <= _LONGEST_NAME:
        raise MalformedBody("The body is not an event of Razorpay.")
    return parsed


def verify_checkout_callback(
    order_id: str, payment_id: str, signature: str | None, key_secret: str
) -> None:
    """Check what Razorpay's checkout hands to the browser after a payment.

    `order_id` must be the one that we opened, never the one that came along. Signed with the
    secret of the API key. Raises `SignatureRejected`.
    """
    _check(signature, _joined(order_id, payment_id), (key_secret,))


def verify_link_callback(
    link_id: str,
    reference_id: str,
    status: str,
    payment_id: str,
    signature: str | None,
    key_secret: str,
) -> None:
    """Check the query with which a payment link sends the customer back.

    Signed with the secret of the API key. Raises `SignatureRejected`.
    """
    _check(signature, _joined(link_id, reference_id, status, payment_id), (key_secret,))


def _check(given: str | None, message: bytes, secrets: Iterable[str]) -> None:
    if not given:
        raise SignatureRejected("missing", "The signature of Razorpay is missing.")
    if not _HEX_SHA256.fullmatch(given):
        raise SignatureRejected("malformed", "The signature is not a SHA-256 in hex.")
    if not signed_by_any(secrets, message, (given,)):
        raise SignatureRejected("mismatch", "The signature was made with another secret.")


def _joined(*parts: str) -> bytes:
    """Join with bars; a bar inside a part would let one signature stand for other parts."""
    if any("|" in part for part in parts):
        raise SignatureRejected("malformed", "An id of the callback holds a bar.")
    return "|".join(parts).encode("utf-8", "surrogatepass")
