"""A view is converted from its record: what it shows, the record has, or somebody computed it."""

from datetime import datetime

import msgspec
import pytest
from msgspec import Struct
from pydantic import Field

from service.core.clock import from_unix
from service.core.views import view_of
from service.storage.documents import StoredPart

NOW = from_unix(1_795_262_400.5)


class Line(StoredPart):
    """A part of the record."""

    said_at: datetime


class Record(StoredPart):
    """What is shown."""

    first_name: str
    secret: str = "kept"
    lines: list[Line] = Field(default_factory=list)


class LineView(Struct, frozen=True, rename="camel"):
    """A part, shown."""

    said_at: datetime


class RecordView(Struct, frozen=True, rename="camel", kw_only=True):
    """The record, shown."""

    first_name: str
    lines: list[LineView]


class LongView(RecordView, frozen=True, rename="camel", kw_only=True):
    """The record, shown with something that was computed."""

    length: int
    note: str | None = None


RECORD = Record(first_name="Ada", lines=[Line(said_at=NOW)])


def test_a_view_has_what_its_record_has_and_nothing_else() -> None:
    view = view_of(RecordView, RECORD)
    assert view == RecordView(first_name="Ada", lines=[LineView(NOW)])
    assert b"kept" not in msgspec.json.encode(view)


def test_what_is_computed_stands_beside_it_and_before_it() -> None:
    view = view_of(LongView, RECORD, length=1, first_name="Grace")
    assert view == LongView(first_name="Grace", lines=[LineView(NOW)], length=1)


def test_what_nobody_has_and_nobody_computes_is_a_mistake() -> None:
    with pytest.raises(msgspec.ValidationError, match="length"):
        view_of(LongView, RECORD)
    with pytest.raises(msgspec.ValidationError, match="length"):
        view_of(LongView, RECORD, note="x")
    with pytest.raises(TypeError, match="does not show lenght"):
        view_of(LongView, RECORD, lenght=1)
