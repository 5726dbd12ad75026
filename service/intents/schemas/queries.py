"""What is asked about leads: which ones, how many of them, and in which form."""

import re
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from service.core.errors import FieldProblem, InvalidInput
from service.core.paging import decode_cursor
from service.intents.errors import wrong_field
from service.intents.operations.browse import LARGEST_OFFSET, MOST_DAYS, Place, Wanted
from service.web.fields import Email, SessionId, Text, read_moment
from service.web.wire import WireModel

MOST_ROWS = 1000
PAGE = 100
Form = Literal["json", "csv"]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def read_time(value: object) -> datetime | date:
    """Read a moment with an offset, or a day. Raises `PydanticCustomError`."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return read_moment(value)
    try:
        found = date.fromisoformat(value)
    except ValueError as error:
        message = "is not a date of the calendar"
        raise PydanticCustomError("tillgate", "{message}", {"message": message}) from error
    if not 1971 <= found.year <= 9998:
        message = "must lie between the years 1971 and 9998"
        raise PydanticCustomError("tillgate", "{message}", {"message": message})
    return found


def time_parameter(name: str, text: str | None) -> datetime | date | None:
    """Read a query parameter that is a moment or a day. Raises `InvalidInput`."""
    if text is None:
        return None
    try:
        # An unescaped plus sign arrives as a space.
        return read_time(text.replace(" ", "+") if "T" in text else text)
    except PydanticCustomError as error:
        problem = FieldProblem(name, error.message())
        raise InvalidInput(f"{name} {error.message()}.", problems=(problem,)) from error


Time = Annotated[
    datetime | date,
    Field(examples=["2026-11-01", "2026-11-01T00:00:00Z"]),
    BeforeValidator(read_time),
]
"""A day of the merchant's zone, or a moment with an offset."""


class Filters(WireModel):
    """Which leads; what is left out selects none."""

    start_date: Time | None = None
    end_date: Time | None = None
    """A day is taken in as a whole; a moment is excluded."""
    days_back: int | None = Field(None, ge=1, le=MOST_DAYS)
    """30 without `startDate`; today's part is the last one."""
    plan_name: Text | None = None
    user_email: Email | None = None
    session_id: SessionId | None = None

    def to_wanted(self) -> Wanted:
        """Return them as the operation takes them."""
        return Wanted(
            begin=self.start_date,
            end=self.end_date,
            **self.model_dump(by_alias=False, exclude={"start_date", "end_date"}),
        )


class Pagination(WireModel):
    """Which page: by its offset, or by `nextCursor` of the one before."""

    limit: int = Field(PAGE, ge=1, le=MOST_ROWS)
    offset: int = Field(0, ge=0, le=LARGEST_OFFSET)
    cursor: str | None = Field(None, max_length=200)

    def to_place(self) -> Place:
        """Return it as the operation takes it. Raises `InvalidInput`."""
        return Place(self.limit, self.offset, decode_cursor(self.cursor) if self.cursor else None)


class QueryIntents(WireModel):
    """Which leads are wanted, and how."""

    example: ClassVar = {"filters": {"daysBack": 30}, "pagination": {"limit": 20}}

    filters: Filters = Field(default_factory=lambda: Filters())
    pagination: Pagination | None = None
    format: Form = "json"
    """`csv`: all leads that are wanted as one file."""
    download: bool = False
    """All of them as one file, also of JSON."""
    include_stats: bool = False

    @property
    def is_file(self) -> bool:
        """Return whether a file is wanted. Raises `InvalidInput` for a page of one."""
        wanted = self.download or self.format == "csv"
        if wanted and (self.pagination is not None or self.include_stats):
            name = "pagination" if self.pagination is not None else "includeStats"
            raise wrong_field(name, "can't be combined with a file: it has all leads, and no sums")
        return wanted


class CleanUpIntents(WireModel):
    """What is to be deleted."""

    example: ClassVar = {"dryRun": True}

    dry_run: bool = True
    """Only count: send `false` to delete."""
    retention_days: int | None = Field(None, ge=1, le=36_500)
    """What is older is deleted; `INTENT_RETENTION_DAYS` where it is left out."""
    archive_before_delete: bool | None = None
    """Write it to a file before; done where it is left out and `INTENT_ARCHIVE_DIR` is set."""
    compress_old_files: bool = False
    """Write `.jsonl.gz` instead of `.jsonl`."""
