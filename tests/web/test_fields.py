"""The field types on any input: they take or refuse, and never crash."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from service.core.clock import EARLIEST, LATEST
from service.core.money import LARGEST_AMOUNT, currency_exists
from service.web import fields

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)

TYPES = [
    fields.StrictAmount,
    fields.Quantity,
    fields.Version,
    fields.CurrencyCode,
    fields.SessionId,
    fields.ShortText,
    fields.Text,
    fields.LongText,
    fields.Email,
    fields.UtcMoment,
    fields.Metadata,
]


@pytest.mark.parametrize("field", TYPES)
@given(value=JSON)
def test_any_json_is_taken_or_refused(field: Any, value: Any) -> None:
    assert accepts(field, value) in {True, False}  # another exception than its own is a crash


@given(value=JSON | st.integers(-5, 5) | st.integers(LARGEST_AMOUNT - 2, LARGEST_AMOUNT + 2))
def test_an_amount_is_an_integer_in_range_and_nothing_else(value: Any) -> None:
    good = type(value) is int and 1 <= value <= LARGEST_AMOUNT
    assert accepts(fields.StrictAmount, value) is good


@given(
    moment=st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)),  # noqa: DTZ001
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_a_moment_is_kept_to_the_millisecond_within_bounds(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    text = aware.isoformat()
    expected = aware.astimezone(UTC)
    expected = expected.replace(microsecond=expected.microsecond // 1000 * 1000)
    if EARLIEST <= expected <= LATEST:
        assert TypeAdapter(fields.UtcMoment).validate_python(text) == expected
    else:
        assert not accepts(fields.UtcMoment, text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21",
        "20261121T120000Z",
        "2026-W47-6T12:00:00Z",
        "2026-11-21T12:00:00",
        "2026-11-21T24:00:01Z",
        "2026-11-21T12:00:00+99:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1795262400",
        "٢٠٢٦-11-21T12:00:00Z",
    ],
)
def test_what_only_looks_like_a_moment_is_refused(text: str) -> None:
    assert not accepts(fields.UtcMoment, text)


@given(code=st.text(min_size=3, max_size=3) | st.sampled_from(["usd", "Inr", "JPY", "kwd"]))
def test_a_currency_is_stored_in_capitals(code: str) -> None:
    if accepts(fields.CurrencyCode, code):
        stored = TypeAdapter(fields.CurrencyCode).validate_python(code)
        assert stored == code.upper()
        assert currency_exists(stored)
    else:
        assert not currency_exists(code)


@pytest.mark.parametrize(
    "email", ["a@b.co", "first.last+tag@mail.shop.example", "ü@straße.example"]
)
def test_an_email_address_is_taken(email: str) -> None:
    assert accepts(fields.Email, email)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "a",
        "a@",
        "@b.co",
        "a@b",
        "a b@c.de",
        "a@b..co",
        "a@b.co\n",
        "a@@b.co",
        "x" * 250 + "@b.co",
    ],
)
def test_what_is_no_email_address_is_refused(email: str) -> None:
    assert not accepts(fields.Email, email)


def accepts(field: Any, value: Any) -> bool:
    """Return whether a field type takes a value."""
    try:
        TypeAdapter(field).validate_python(value)
    except ValidationError:
        return False
    return True
