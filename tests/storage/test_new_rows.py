"""A new row is what its document would store: each field once, whoever gives it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import pytest
from msgspec import Struct
from pydantic import Field

from service.core.clock import from_unix
from service.storage.documents import StoredDocument, StoredPart
from service.storage.new_rows import stored_names

NOW = from_unix(1_795_262_400.5)


class Colour(StrEnum):
    """A value that is stored as its word."""

    RED = "red"


class Inside(StoredPart):
    """A part with a field that Python has another name for."""

    from_place: str | None = Field(alias="from")
    to: str


class Thing(StoredDocument):
    """A document with each kind of default."""

    merchant_id: str
    made_at: datetime
    colour: Colour = Colour.RED
    note: str | None = None
    parts: list[Inside] = Field(default_factory=list)
    extra: dict[str, Any] = Field(default_factory=dict)


class Named(Thing):
    """The same with an id of its own, and a field that was added later."""

    id: str  # type: ignore[assignment]
    added_later: str


class Asked(Struct, frozen=True):
    """A record that has some of the fields, and others."""

    merchant_id: str
    note: str | None = None
    quantity: int = 1


WHOLE = {
    "merchantId": "m",
    "madeAt": NOW,
    "colour": "red",
    "note": "hello",
    "parts": [],
    "extra": {},
}


def test_a_field_comes_from_who_gives_it_else_from_the_record_else_from_its_default() -> None:
    asked = Asked("m", "hello")
    assert Thing.new_row({"madeAt": NOW}, asked) == WHOLE
    assert Thing.new_row({"madeAt": NOW, "note": "mine"}, asked) == WHOLE | {"note": "mine"}
    assert Thing.new_row({"madeAt": NOW, "merchantId": "m"}) == WHOLE | {"note": None}
    assert Inside.new_row({"from": None, "to": "here"}) == {"from": None, "to": "here"}


def test_a_new_row_is_what_the_document_would_store() -> None:
    row = Named.new_row({"_id": "n", "madeAt": NOW, "addedLater": "x"}, Asked("m"))
    assert Named.model_validate(row).to_row() == row
    assert set(row) == set(stored_names(Named).values())


def test_a_field_that_was_added_is_missed_where_nobody_gives_it() -> None:
    """The control of the test above: a row that is one field short is never made."""
    with pytest.raises(TypeError, match=r"a new Named lacks \['addedLater'\]"):
        Named.new_row({"_id": "n", "madeAt": NOW}, Asked("m"))
    with pytest.raises(TypeError, match=r"lacks \['madeAt'\]"):
        Thing.new_row({}, Asked("m"))


def test_a_name_that_is_no_field_is_refused() -> None:
    with pytest.raises(TypeError, match=r"has no fields \['colours'\]"):
        Thing.new_row({"madeAt": NOW, "colours": "red"}, Asked("m"))


def test_two_rows_share_nothing_that_can_change() -> None:
    one, other = (Thing.new_row({"madeAt": NOW}, Asked("m")) for _ in range(2))
    one["parts"].append("x")
    one["extra"]["x"] = 1
    assert (other["parts"], other["extra"]) == ([], {})


def test_a_list_or_an_object_that_is_given_stands() -> None:
    given = {"parts": [{"from": None, "to": "here"}], "extra": {"x": 1}}
    assert Thing.new_row({"madeAt": NOW, **given}, Asked("m", "hello")) == WHOLE | given


def test_a_default_is_stored_as_its_word() -> None:
    assert type(Thing.new_row({"madeAt": NOW}, Asked("m"))["colour"]) is str


def test_a_default_that_is_neither_a_value_nor_empty_can_not_be_stored_by_itself() -> None:
    class Odd(StoredPart):
        """A default that would be one and the same in all rows."""

        words: list[str] = ["a"]  # noqa: RUF012

    with pytest.raises(TypeError, match="default of words"):
        Odd.new_row({})
