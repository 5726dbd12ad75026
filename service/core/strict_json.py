"""Strict JSON: UTF-8, no duplicate keys, no NaN, nothing that BSON can't keep.

The usual parsers take the last of two equal keys, and NaN, and nest until the stack ends. Where
money stands in a body, each of these is somebody's attack (RFC 8259, section 4, only says SHOULD).
"""

import json
import math
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

from service.core.errors import FieldProblem, MalformedBody

# MongoDB refuses documents that nest deeper than 100; a session's metadata sits two levels down.
DEEPEST = 32
_INT64 = 2**63
_DIGITS_OF_INT64 = 19
# Of the place that an error names: a key may be as long as the body.
_LONGEST_PATH = 200

if TYPE_CHECKING:
    JsonValue: TypeAlias = (
        bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"] | None
    )
else:
    # Neither pydantic nor msgspec resolves the recursion; what gets here was parsed below.
    JsonValue = Any
JsonObject: TypeAlias = dict[str, JsonValue]


class _LongInteger(Exception):
    """An integer that may have more than 64 bits: a second pass finds where it stands."""


def parse(body: bytes) -> JsonValue:
    """Parse a body. Raises `MalformedBody` that names the place and what is wrong with it."""
    try:
        value = _read(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedBody("The body is not UTF-8.") from error
    except RecursionError as error:
        raise MalformedBody("The body nests too deeply.") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedBody(f"The body is not JSON: {error.msg} at {where}.") from error
    except ValueError as error:  # an integer of more digits than Python converts
        raise MalformedBody("The body holds a number that is too long.") from error
    if not _plain(body):
        check_storable(value)
    return value


def _read(text: str) -> JsonValue:
    value: JsonValue
    try:
        value = _decoder.decode(text)
    except _LongInteger:
        value = _long_decoder.decode(text)
        check_storable(value)
    return value


def _plain(body: bytes) -> bool:
    """Tell that a body that was parsed has neither deep nesting nor texts that BSON can't keep.

    Halves of surrogates and NUL come in by an escape alone, and what nests has a bracket for each
    level. Looking at each of the values would take longer than parsing them.
    """
    return body.count(b"{") + body.count(b"[") <= DEEPEST and b"\\u" not in body


def check_storable(value: JsonValue, path: str = "", depth: int = 0) -> None:
    """Refuse what BSON can't keep: deep nesting, integers of over 64 bits, NUL in a key."""
    if depth > DEEPEST:
        raise _malformed(path, f"nests deeper than {DEEPEST} levels")
    if isinstance(value, dict):
        for key, item in value.items():
            _check_text(key, path or key)
            if "\0" in key:
                raise _malformed(path or "body", "has a key that holds a NUL character")
            check_storable(item, _below(path, f".{key}" if path else key), depth + 1)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            check_storable(item, _below(path, f"[{place}]"), depth + 1)
    elif isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, int) and not -_INT64 <= value < _INT64:
        raise _malformed(path, "is an integer of more than 64 bits")


def _below(path: str, step: str) -> str:
    """Return a place, cut: in full, one key of megabytes would be copied for each value below."""
    return f"{path}{step}"[:_LONGEST_PATH]


def _integer(digits: str) -> int:
    if len(digits) >= _DIGITS_OF_INT64:
        raise _LongInteger
    return int(digits)


def _object(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise _malformed(twice, "stands twice in one object")
    return found


def _refuse_constant(word: str) -> float:
    raise MalformedBody(f"The body holds {word}, which is not JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise MalformedBody("The body holds a number that is too large.")
    return number


def _check_text(text: str, path: str) -> None:
    # "\ud800" is valid JSON, yet no UTF-8 encoder takes a lone surrogate.
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise _malformed(path, "holds half of a surrogate pair")


def _malformed(path: str, message: str) -> MalformedBody:
    path = path[:_LONGEST_PATH]
    return MalformedBody(
        f"The body can't be used: {path or 'it'} {message}.",
        problems=(FieldProblem(path or "body", message),),
    )


_hooks: dict[str, Any] = {
    "object_pairs_hook": _object,
    "parse_constant": _refuse_constant,
    "parse_float": _finite,
}
_decoder = json.JSONDecoder(parse_int=_integer, **_hooks)
_long_decoder = json.JSONDecoder(**_hooks)
