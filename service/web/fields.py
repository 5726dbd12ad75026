"""The field types of request bodies: each refuses what only looks right.

The framework validates leniently: a plain `int` would accept `1.0`, `true` and `"5"`. Here an
amount is an integer and nothing else, a moment has an offset, a text has no control characters.

A `Field` describes the type in the OpenAPI document, and precedes the validator that reports what
is wrong: after it pydantic would check the field again in Python.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field, JsonValue
from pydantic_core import PydanticCustomError

from service.core.clock import EARLIEST, LATEST, to_milliseconds
from service.core.ids import SESSION_ID
from service.core.json_text import to_json
from service.core.money import LARGEST_AMOUNT, currency_exists
from service.web.card_data import find_card_data, holds_card_number

LARGEST_QUANTITY = 10_000
MOST_METADATA_KEYS = 50
LARGEST_METADATA = 16_000

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_EMAIL = re.compile(
    r"[^\s@<>()\[\],;:\"\\]{1,64}@[^\s@<>()\[\],;:\"\\.]+(?:\.[^\s@<>()\[\],;:\"\\.]+)+"
)
_THREE_DIGITS = re.compile(r"\d{3}")
_METADATA_KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d{2}:?\d{2})"
)


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("tillgate", "{message}", {"message": message})


def _whole(value: object, message: str, largest: int) -> int:
    if type(value) is not int:  # bool is an int, but not an amount
        raise _wrong(message)
    if not 1 <= value <= largest:
        raise _wrong(f"must be from 1 to {largest}")
    return value


def _amount(value: object) -> int:
    message = "must be a whole number of minor units, e.g. 1000 for 10.00"
    return _whole(value, message, LARGEST_AMOUNT)


def _quantity(value: object) -> int:
    return _whole(value, "must be a whole number", LARGEST_QUANTITY)


def _version(value: object) -> int:
    return _whole(value, "must be a whole number", LARGEST_AMOUNT)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _wrong("must be a string")
    return value


def _matching(pattern: re.Pattern[str], message: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if not pattern.fullmatch(text := _text(value)):
            raise _wrong(message)
        return text

    return check


def _line(longest: int, forbidden: re.Pattern[str] = _CONTROL) -> Callable[[object], str]:
    def check(value: object) -> str:
        text = _text(value)
        if not text:
            raise _wrong("must not be empty")
        if len(text) > longest:
            raise _wrong(f"must have at most {longest} characters")
        if forbidden.search(text):
            raise _wrong("has control characters")
        return text

    return check


def _long_text(value: object) -> str:
    text = _line(2000, _CONTROL_BUT_LINES)(value)
    if holds_card_number(text):
        raise _wrong("holds what looks like the number of a card: never send one here")
    return text


def _currency(value: object) -> str:
    code = _text(value).upper()
    if not currency_exists(code):
        raise _wrong("is not a currency of ISO 4217, e.g. USD")
    return code


def _email(value: object) -> str:
    text = _text(value)
    if len(text) > 254 or _CONTROL.search(text) or not _EMAIL.fullmatch(text):
        raise _wrong("is not an email address")
    return text


def read_moment(value: object) -> datetime:
    """Read an ISO 8601 moment with an offset; return it in UTC, whole milliseconds.

    Raises `PydanticCustomError` for numbers, local times, and years that BSON can't keep.
    """
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise _wrong("must be a moment with an offset, e.g. 2026-11-21T12:00:00Z")
    try:
        moment = to_milliseconds(datetime.fromisoformat(value.upper()))
    except (ValueError, OverflowError) as error:
        raise _wrong("is not a moment of the calendar") from error
    if not EARLIEST <= moment <= LATEST:
        raise _wrong("must lie between the years 1970 and 9999")
    return moment


def _metadata(value: object) -> object:
    if not isinstance(value, dict):
        raise _wrong("must be an object")
    if len(value) > MOST_METADATA_KEYS:
        raise _wrong(f"takes at most {MOST_METADATA_KEYS} keys")
    for key in value:
        if not isinstance(key, str) or not _METADATA_KEY.fullmatch(key):
            raise _wrong("takes keys of 1 to 40 letters, digits, dashes and underscores")
    written = to_json(value)
    if len(written) > LARGEST_METADATA:
        raise _wrong(f"takes at most {LARGEST_METADATA} bytes of JSON")
    # Without three digits in a row there is neither a card number nor its code.
    if _THREE_DIGITS.search(written.decode()) and (place := find_card_data(value)) is not None:
        raise _wrong(f"holds what looks like card data in {place}: never send any here")
    return value


StrictAmount = Annotated[int, Field(ge=1, le=LARGEST_AMOUNT), BeforeValidator(_amount)]
"""Money in minor units."""

Quantity = Annotated[int, Field(ge=1, le=LARGEST_QUANTITY), BeforeValidator(_quantity)]
"""How many of something."""

Version = Annotated[int, Field(ge=1, le=LARGEST_AMOUNT), BeforeValidator(_version)]
"""The version of a document that the caller has seen."""

CurrencyCode = Annotated[str, Field(min_length=3, max_length=3), BeforeValidator(_currency)]
"""An ISO 4217 code; `usd` is taken and becomes `USD`."""

SessionId = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_-]{1,40}$"),
    BeforeValidator(_matching(SESSION_ID, "takes 1 to 40 letters, digits, dashes, underscores")),
]
"""A session's id."""

ShortText = Annotated[str, Field(min_length=1, max_length=100), BeforeValidator(_line(100))]
"""One line: an id of the caller's, a plan, a coupon."""

Text = Annotated[str, Field(min_length=1, max_length=255), BeforeValidator(_line(255))]
"""One longer line: a user id, a title."""

LongText = Annotated[
    str,
    Field(min_length=1, max_length=2000),
    BeforeValidator(_long_text),
]
"""Several lines: a reason, a note, an address."""

Email = Annotated[str, Field(min_length=3, max_length=254), BeforeValidator(_email)]
"""An email address, as it was written."""

UtcMoment = Annotated[datetime, BeforeValidator(read_moment)]
"""A moment with an offset, kept in UTC."""

Metadata = Annotated[dict[str, JsonValue], BeforeValidator(_metadata)]
"""The caller's own values: at most 50 keys, at most 16 kB."""
