"""Stripe's webhook signature, and the JSON that it vouches for.

`Stripe-Signature: t=<unix>,v1=<hex>[,v1=…][,v0=…]`, where v1 is the hex HMAC-SHA256 of
`{t}.{raw body}` under the secret as it is written, `whsec_` included. While a secret is rolled
there is one v1 for each (https://docs.stripe.com/webhooks#verify-manually). The official library
takes one secret, lets timestamps from the future pass and raises other errors than its own for
text that is not ASCII or UTF-8, so it is not used here.
"""

from collections.abc import Mapping
from datetime import datetime

from service.core import strict_json
from service.core.errors import MalformedBody, SignatureRejected
from service.core.strict_json import JsonObject
from service.providers.reading import text
from service.providers.signing import signed_by_any

HEADER = "stripe-signature"

# Stripe's own default, here in both directions.
TOLERANCE_SECONDS = 300

# Unix seconds have ten digits until the year 2286.
_LONGEST_TIMESTAMP = 12

# While secrets are rolled there is one signature for each, and Stripe keeps a handful.
MOST_SIGNATURES = 20
_MOST_ITEMS = 2 * MOST_SIGNATURES

# Stripe's ids have at most 255 characters (https://docs.stripe.com/upgrades).
_LONGEST_NAME = 255


def check_signature(
    headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime
) -> None:
    """Check the signature over the raw bytes; nothing is parsed.

    Raises `SignatureRejected`, whose reason is `missing`, `malformed`, `mismatch`, `stale` or
    `future`; never another error.
    """
    header = headers.get(HEADER, "")
    if not header:
        raise SignatureRejected("missing", f"There is no {HEADER} header.")
    signed_at, signatures = _read_header(header)
    if not signed_by_any(secrets, signed_at.encode() + b"." + body, signatures):
        raise SignatureRejected("mismatch", "No active secret made this signature of this body.")
    _check_age(int(signed_at), now)


def read_event(body: bytes) -> JsonObject:
    """Parse an event. Raises `MalformedBody` for what has no usable id and type."""
    event = strict_json.parse(body)
    if not isinstance(event, dict):
        raise MalformedBody("The body is not a JSON object.")
    if not all(0 < len(text(event, key) or "") <= _LONGEST_NAME for key in ("id", "type")):
        raise MalformedBody("The body is not an event of Stripe.")
    return event


def _read_header(header: str) -> tuple[str, list[str]]:
    """Return the timestamp as it is written, since it is part of what was signed, and every v1."""
    times, signatures = _entries(header)
    if len(times) != 1:
        raise _malformed(f"holds {len(times)} timestamps instead of one")
    if not times[0].isdigit() or len(times[0]) > _LONGEST_TIMESTAMP:
        raise _malformed("holds a timestamp that is not Unix seconds")
    if not signatures:
        raise SignatureRejected("missing", f"The {HEADER} header holds no v1 signature.")
    if len(signatures) > MOST_SIGNATURES:
        raise _malformed(f"holds more than {MOST_SIGNATURES} v1 signatures")
    return times[0], signatures


def _entries(header: str) -> tuple[list[str], list[str]]:
    """Return every t and every v1; what else there is has no meaning here."""
    if not header.isascii():
        raise _malformed("holds characters outside of ASCII")
    items = header.split(",", _MOST_ITEMS)
    if len(items) > _MOST_ITEMS:
        raise _malformed(f"holds more than {_MOST_ITEMS} entries")
    times, signatures = [], []
    for item in items:
        key, equals, value = item.partition("=")
        if not equals:
            raise _malformed("is not a list of key=value")
        if key == "t":
            times.append(value)
        elif key == "v1" and value:
            signatures.append(value)
    return times, signatures


def _check_age(signed_at: int, now: datetime) -> None:
    age = now.timestamp() - signed_at
    if age > TOLERANCE_SECONDS:
        raise SignatureRejected("stale", f"The signature is {age:.0f} seconds old.")
    if age < -TOLERANCE_SECONDS:
        raise SignatureRejected("future", f"The signature is {-age:.0f} seconds ahead of time.")


def _malformed(what: str) -> SignatureRejected:
    return SignatureRejected("malformed", f"The {HEADER} header {what}.")
