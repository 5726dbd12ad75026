"""Reading a provider's JSON: a field of the wrong type is an absent one, unless it is needed.

Providers add fields and send empty lists where an object is due; only what money depends on is
insisted upon.
"""

import re
from collections.abc import Iterable

from service.core.errors import MalformedBody
from service.core.money import LARGEST_AMOUNT
from service.core.strict_json import JsonObject, JsonValue

LONGEST_WORD = 255
_LONGEST_SENTENCE = 500
OUR_REFUND_ID = re.compile(r"[A-Za-z0-9-]{10,38}")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_LAST_DIGITS = re.compile(r"[0-9]{4}")


def inner(value: JsonValue, *keys: str) -> JsonObject:
    """Walk into nested objects; an empty one where anything on the way is no object."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def entries(value: JsonObject, key: str) -> tuple[JsonObject, ...]:
    """Return the objects in a list; nothing where there is no list."""
    found = value.get(key)
    if not isinstance(found, list):
        return ()
    return tuple(item for item in found if isinstance(item, dict))


def text(value: JsonObject, key: str) -> str | None:
    """Return a string that is not empty, or None."""
    found = value.get(key)
    return found if isinstance(found, str) and found else None


def whole(value: JsonObject, key: str) -> int | None:
    """Return an integer, or None; true and 1.0 are none."""
    found = value.get(key)
    return found if type(found) is int else None


def word(value: JsonObject, key: str) -> str | None:
    """Return a string as `text` does, unless it is longer than any id or code of a provider's."""
    found = value.get(key)
    return found if isinstance(found, str) and 0 < len(found) <= LONGEST_WORD else None


def first_word(value: JsonObject, keys: Iterable[str]) -> str | None:
    """Return the first of some fields that is such a string, or None."""
    for key in keys:
        if (found := word(value, key)) is not None:
            return found
    return None


def our_refund_id(value: JsonObject, key: str) -> str | None:
    """Return what has the shape of a refund id of ours, or None: it was somebody else's then."""
    found = value.get(key)
    return found if isinstance(found, str) and OUR_REFUND_ID.fullmatch(found) else None


def sentences(value: JsonObject, keys: Iterable[str]) -> JsonObject | None:
    """Return those of some fields that are strings, the beginning of each; None without any."""
    found = {key: said[:_LONGEST_SENTENCE] for key in keys if (said := text(value, key))}
    return {**found} or None


def country(address: JsonObject) -> str | None:
    """Return the country of an address, two capital letters (ISO 3166-1), or None."""
    found = text(address, "country")
    return found.upper() if found is not None and _COUNTRY.fullmatch(found) else None


def last_digits(value: JsonObject, key: str) -> str | None:
    """Return the last four digits, or None: a field of that name with more of them is not kept."""
    found = value.get(key)
    return found if isinstance(found, str) and _LAST_DIGITS.fullmatch(found) else None


def masked_vpa(found: str) -> str | None:
    """Return a UPI address of whose name two characters are left, or half of it: `ga***@okbank`."""
    name, _, bank = found.rpartition("@")
    shown = name[: min(2, len(name) // 2)]
    return f"{shown}***@{bank}" if name and len(bank) <= LONGEST_WORD else None


def amount(value: JsonObject, key: str) -> int | None:
    """Return an amount in minor units, zero or more, or None."""
    found = whole(value, key)
    return found if found is not None and 0 <= found <= LARGEST_AMOUNT else None


def needed_text(value: JsonObject, key: str) -> str:
    """Return a string that is not empty. Raises `MalformedBody`."""
    found = text(value, key)
    if found is None:
        raise MalformedBody(f"The provider's message has no usable {key!r}.")
    return found


def needed_amount(value: JsonObject, key: str = "amount") -> int:
    """Return an amount in minor units, zero or more. Raises `MalformedBody`."""
    found = amount(value, key)
    if found is None:
        raise MalformedBody(f"The provider's message has no usable {key!r}.")
    return found


def distinct(*values: str | None) -> tuple[str, ...]:
    """Return the values that are there, each once, in their order."""
    return tuple(dict.fromkeys(value for value in values if value))
