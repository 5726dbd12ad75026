"""Reading a provider's JSON: a field of the wrong type is an absent one, unless it is needed.

Providers add fields and send empty lists where an object is due; only what money depends on is
insisted upon.
"""

from service.core.errors import MalformedBody
from service.core.money import LARGEST_AMOUNT
from service.core.strict_json import JsonObject, JsonValue


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


def needed_text(value: JsonObject, key: str) -> str:
    """Return a string that is not empty. Raises `MalformedBody`."""
    found = text(value, key)
    if found is None:
        raise MalformedBody(f"The provider's message has no usable {key!r}.")
    return found


def needed_amount(value: JsonObject, key: str = "amount") -> int:
    """Return an amount in minor units, zero or more. Raises `MalformedBody`."""
    found = whole(value, key)
    if found is None or not 0 <= found <= LARGEST_AMOUNT:
        raise MalformedBody(f"The provider's message has no usable {key!r}.")
    return found


def distinct(*values: str | None) -> tuple[str, ...]:
    """Return the values that are there, each once, in their order."""
    return tuple(dict.fromkeys(value for value in values if value))
