"""Read the values of old rows: money strictly, the way it is written leniently. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from msgspec import Struct

from service.core.clock import EARLIEST, LATEST, to_milliseconds
from service.core.errors import InvalidInput, MalformedBody
from service.core.money import LARGEST_AMOUNT
from service.core.strict_json import JsonObject, JsonValue, check_storable, parse
from service.core.visible import has_hidden, visible_line
from service.providers.money import exponent
from service.web.fields import LARGEST_METADATA

Unit = Literal["major", "minor"]
# A row of an older stack: any value of BSON, `Decimal128` and ids already made plain.
OldRow = Mapping[str, Any]

_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?")


# What a report shows of a value: nobody reads more, and a row may hold megabytes.
_SHOWN = 60


class BadRow(InvalidInput):
    """An old row that can't be brought in; the message says why."""

    code = "bad_row"


class Unreadable(Struct, frozen=True):
    """A row of which the driver can make nothing: what is known of it, and why."""

    name: str
    reason: str


def shown(value: object) -> str:
    """Return a value for a report: one line, short, nothing in it that acts on a terminal."""
    text = value if isinstance(value, str) else str(value)
    cut = f"{text[:_SHOWN]}…" if len(text) > _SHOWN else text
    return visible_line(cut)


def given(row: OldRow, *names: str) -> Any:
    """Return the first of several fields that is there; null and blank ones are not."""
    for name in names:
        value = row.get(name)
        if value is not None and value != "":
            return value
    return None


def text(row: OldRow, *names: str, longest: int = 255) -> str | None:
    """Return a text, None where there is none. Raises `BadRow`."""
    value = given(row, *names)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > longest:
        raise BadRow(f"{names[0]} is not a text of at most {longest} characters")
    if has_hidden(value) or "\n" in value or "\t" in value:
        raise BadRow(f"{names[0]} holds control characters or marks of direction: {shown(value)}")
    return value


def needed_text(row: OldRow, *names: str) -> str:
    """Return a text. Raises `BadRow` where there is none."""
    found = text(row, *names)
    if found is None:
        raise BadRow(f"{' or '.join(names)} is missing")
    return found


def amount(value: object, unit: Unit, provider: str, currency: str) -> int:
    """Return an amount in the provider's minor units, exactly or not at all.

    Integers, decimals and decimal texts are taken; a float only if the number that it is written
    as has no more decimals than the currency. Raises `BadRow`.
    """
    number = _decimal(value)
    minor = number.scaleb(exponent(provider, currency)) if unit == "major" else number
    if minor != minor.to_integral_value():
        raise BadRow(f"the amount {shown(value)} is no whole number of minor units of {currency}")
    if not 0 < minor <= LARGEST_AMOUNT:
        raise BadRow(f"the amount {shown(value)} is not more than zero, or too large")
    return int(minor)


def whole(row: OldRow, *names: str, default: int, least: int) -> int:
    """Return a whole number, the default where there is none. Raises `BadRow`."""
    value = given(row, *names)
    if value is None:
        return default
    number = _decimal(value)
    if number != number.to_integral_value() or not least <= number <= 1_000_000:
        raise BadRow(f"{names[0]} {shown(value)} is not a whole number from {least}")
    return int(number)


def moment(row: OldRow, *names: str) -> datetime | None:
    """Return a moment in UTC; one without an offset is taken as UTC. Raises `BadRow`."""
    value = given(row, *names)
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise BadRow(f"{names[0]} '{shown(value)}' is not a time") from error
    if not isinstance(value, datetime):
        raise BadRow(f"{names[0]} is not a time")
    try:
        at = to_milliseconds(value if value.tzinfo else value.replace(tzinfo=UTC))
    except OverflowError:  # an offset leads out of the years 1 to 9999
        at = None
    if at is None or not EARLIEST <= at <= LATEST:
        raise BadRow(f"{names[0]} lies before 1970 or after 9999")
    return at


def json_object(value: object) -> JsonObject:
    """Return metadata as JSON; what JSON can't hold becomes text. Raises `BadRow`."""
    if value is None or value == "":
        return {}
    try:
        plain = parse(_bounded(value).encode()) if isinstance(value, str) else _plain(value)
        if not isinstance(plain, dict):
            raise BadRow("metadata is not an object")
        check_storable(plain)
    except BadRow:
        raise
    except MalformedBody as error:
        kind = " is a text that is not JSON" if isinstance(value, str) else ""
        raise BadRow(f"metadata{kind}: {error.message}") from error
    except UnicodeEncodeError as error:
        raise BadRow("metadata holds half of a surrogate pair") from error
    except RecursionError as error:
        raise BadRow("metadata nests too deeply") from error
    if any(has_hidden(found.replace("\r", "")) for found in _texts(plain)):
        raise BadRow("metadata holds control characters or marks of direction")
    try:
        _bounded(json.dumps(plain, ensure_ascii=False, allow_nan=False))
    except ValueError as error:
        raise BadRow("metadata holds a number that JSON has not") from error
    return plain


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _bounded(written: str) -> str:
    size = len(written.encode("utf-8", "replace"))
    if size > LARGEST_METADATA:
        raise BadRow(f"metadata has {size} bytes, more than {LARGEST_METADATA}")
    return written


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise BadRow(f"'{shown(value)}' is not a number")
    # A float is taken for what it was written as: 29.99, not 29.989999999999998436805981327779.
    written = repr(value) if isinstance(value, float) else str(value)
    if isinstance(value, str) and not _NUMBER.fullmatch(written):
        raise BadRow(f"'{shown(value)}' is not a number")
    try:
        number = Decimal(written)
    except InvalidOperation as error:
        raise BadRow(f"'{shown(value)}' is not a number") from error
    if not number.is_finite():
        raise BadRow(f"'{shown(value)}' is not a number")
    return number


def _plain(value: object) -> JsonValue:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
