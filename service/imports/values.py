"""Read the values of old rows: money strictly, the way it is written leniently. Pure."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from service.core.clock import EARLIEST, LATEST, to_milliseconds
from service.core.errors import InvalidInput
from service.core.money import LARGEST_AMOUNT, exponent
from service.core.strict_json import JsonObject, JsonValue, check_storable

Unit = Literal["major", "minor"]
# A row of an older stack: any value of BSON, `Decimal128` and ids already made plain.
OldRow = Mapping[str, Any]

_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?")


class BadRow(InvalidInput):
    """An old row that can't be brought in; the message tells why."""

    code = "bad_row"


def given(row: OldRow, *names: str) -> Any:
    """Give the first of several fields that is there; null and blank ones are not."""
    for name in names:
        value = row.get(name)
        if value is not None and value != "":
            return value
    return None


def text(row: OldRow, *names: str, longest: int = 255) -> str | None:
    """Give a text, None where there is none. Raises `BadRow`."""
    value = given(row, *names)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > longest:
        raise BadRow(f"{names[0]} is not a text of at most {longest} characters")
    return value


def needed_text(row: OldRow, *names: str) -> str:
    """Give a text. Raises `BadRow` where there is none."""
    found = text(row, *names)
    if found is None:
        raise BadRow(f"{' or '.join(names)} is missing")
    return found


def amount(value: object, unit: Unit, provider: str, currency: str) -> int:
    """Give an amount in the provider's minor units, exactly or not at all.

    Integers, decimals and decimal texts are taken; a float only if the number that it is written
    as has no more decimals than the currency. Raises `BadRow`.
    """
    number = _decimal(value)
    minor = number.scaleb(exponent(provider, currency)) if unit == "major" else number
    if minor != minor.to_integral_value():
        raise BadRow(f"the amount {value} is no whole number of minor units of {currency}")
    if not 0 < minor <= LARGEST_AMOUNT:
        raise BadRow(f"the amount {value} is not more than zero, or too large")
    return int(minor)


def whole(row: OldRow, *names: str, default: int, least: int) -> int:
    """Give a whole number, the default where there is none. Raises `BadRow`."""
    value = given(row, *names)
    if value is None:
        return default
    number = _decimal(value)
    if number != number.to_integral_value() or not least <= number <= 1_000_000:
        raise BadRow(f"{names[0]} {value} is not a whole number from {least}")
    return int(number)


def moment(row: OldRow, *names: str) -> datetime | None:
    """Give a moment in UTC; one without an offset is taken as UTC. Raises `BadRow`."""
    value = given(row, *names)
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise BadRow(f"{names[0]} {value!r} is not a time") from error
    if not isinstance(value, datetime):
        raise BadRow(f"{names[0]} is not a time")
    at = to_milliseconds(value if value.tzinfo else value.replace(tzinfo=UTC))
    if not EARLIEST <= at <= LATEST:
        raise BadRow(f"{names[0]} lies before 1970 or after 9999")
    return at


def json_object(value: object) -> JsonObject:
    """Give metadata as JSON; what JSON can't hold becomes text. Raises `BadRow`."""
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise BadRow("metadata is a text that is not JSON") from error
    plain = _plain(value)
    if not isinstance(plain, dict):
        raise BadRow("metadata is not an object")
    try:
        check_storable(plain)
    except InvalidInput as error:
        raise BadRow(f"metadata: {error.message}") from error
    return plain


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise BadRow(f"{value!r} is not a number")
    # A float is taken for what it was written as: 29.99, not 29.989999999999998436805981327779.
    written = repr(value) if isinstance(value, float) else str(value)
    if isinstance(value, str) and not _NUMBER.fullmatch(written):
        raise BadRow(f"{value!r} is not a number")
    try:
        number = Decimal(written)
    except InvalidOperation as error:
        raise BadRow(f"{value!r} is not a number") from error
    if not number.is_finite():
        raise BadRow(f"{value!r} is not a number")
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
