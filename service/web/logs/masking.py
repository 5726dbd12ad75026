"""Remove secrets and personal data from log entries, should any ever get in.

The code logs no bodies, headers or keys. This is the second line of defence: it knows what our
keys, the providers' keys, tokens and addresses look like. What a reader's terminal could act on is
escaped.
"""

import re
from functools import lru_cache

from structlog.typing import EventDict, WrappedLogger

from service.core.visible import visible

MASK = "***"

_SECRET_NAMES = re.compile(
    r"(?i)secret|password|passwd|authorization|cookie|signature|credential|pepper"
    r"|(?:^|_)(?:token|salt|otp|api_?key|x-api-key)$"
)

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # user:password@ in a database URI
    (re.compile(r"://[^/\s@]*@"), "://***@"),
    (re.compile(r"(?i)\b(bearer|basic|o-bearer)\s+[A-Za-z0-9._~+/=-]+"), r"\1 ***"),
    # Only at the start of a run: "eyJ-eyJ-eyJ-…" would be read to its end from each of them.
    (
        re.compile(
            r"(?:(?<![A-Za-z0-9_-])|(?<=%[0-9A-Fa-f]{2}))"
            r"eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
        ),
        MASK,
    ),
    # A session's client secret (`ps_…_secret_…`, or after an id of the caller's), and Stripe's.
    (re.compile(r"_secret_[A-Za-z0-9_-]{12,}"), "_secret_***"),
    # ours (pk_ sk_ ak_ jk_), Stripe's (sk_test_, rk_live_, whsec_), Razorpay's (rzp_test_); a word
    # also starts after an escape (%3D), and an escaped underscore is one.
    (
        re.compile(
            r"(?:\b|(?<=%[0-9A-Fa-f]{2}))(pk|sk|ak|jk|rk|cs|whsec|rzp)(?:_|%5[Ff])"
            r"(?=[A-Za-z0-9_-]{12})[A-Za-z0-9_-]+"
        ),
        r"\1_***",
    ),
    (re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}"), "<address>"),
)

# An entry without any of these needs no pattern: a search in C that most entries pass.
_SUSPICIOUS = re.compile(r"[@]|(?:_|%5[Ff])[A-Za-z0-9_-]{12}|eyJ|(?i:bearer|basic)")

_DEEPEST = 6


def mask_text(text: str) -> str:
    """Return a text with everything that looks like a secret or an address masked."""
    if not _SUSPICIOUS.search(text):
        return text
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def mask_entry(logger: WrappedLogger, method: str, entry: EventDict) -> EventDict:
    """Mask a log entry; a processor of structlog."""
    for name, value in entry.items():
        entry[name] = _mask(name, value, 0)
    return entry


@lru_cache(1024)
def _is_secret(name: str) -> bool:
    return _SECRET_NAMES.search(name) is not None


def _mask(name: str, value: object, depth: int) -> object:
    if isinstance(value, bool | int | float) or value is None:
        return value
    if _is_secret(name):
        return MASK
    if isinstance(value, str):
        return mask_text(visible(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if depth < _DEEPEST and isinstance(value, dict):
        return {
            mask_text(str(key)): _mask(str(key), item, depth + 1) for key, item in value.items()
        }
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [_mask("", item, depth + 1) for item in value]
    return mask_text(visible(str(value)))
