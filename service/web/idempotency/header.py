"""The header Idempotency-Key, quoted as in the draft or bare as most clients send it."""

from collections.abc import Iterable

from service.core.errors import FieldProblem, InvalidInput

LONGEST = 255
# Anybody can have a publishable key: only the idempotency key proves that the answer is theirs.
# 22 characters of base64 are 128 random bits.
LEAST_PROVING = 22
_NAME = "Idempotency-Key"


def read_key(headers: Iterable[tuple[bytes, bytes]], least: int = 1) -> str | None:
    """Return the key, None without the header.

    Raises `InvalidInput` for an invalid key, or one with fewer than `least` characters.
    """
    values = [value for name, value in headers if name == b"idempotency-key"]
    if not values:
        return None
    if len(values) > 1:
        raise _wrong("is given more than once")
    key = values[0].decode("latin-1").strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]  # a string of RFC 8941; escapes only have to be equal in both calls
    if not key.strip():
        raise _wrong("is empty")
    if len(key) < least:
        raise _wrong(f"has less than {least} characters: a browser's proves whose call it is")
    if len(key) > LONGEST:
        raise _wrong(f"has more than {LONGEST} characters")
    if not key.isascii() or not key.isprintable():
        raise _wrong("takes printable ASCII characters only")
    return key


def _wrong(message: str) -> InvalidInput:
    return InvalidInput(
        f"{_NAME} {message}.",
        code="invalid_idempotency_key",
        problems=(FieldProblem(_NAME, message),),
    )
