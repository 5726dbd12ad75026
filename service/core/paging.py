"""Cursors: where the next page of a list begins, opaque to the caller."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar

from msgspec import Struct

from service.core.clock import EARLIEST, LATEST
from service.core.errors import FieldProblem, InvalidInput

T = TypeVar("T")


class Cursor(Struct, frozen=True):
    """The last row of a page that is sorted newest first: its time and its id as a tie-break."""

    at: datetime
    id: str

    def encode(self) -> str:
        """Return the cursor as the caller sees it."""
        text = f"{int(self.at.timestamp() * 1000)}:{self.id}"
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


class Swept(Struct, Generic[T], frozen=True):
    """A page of what was changed since a moment, the oldest change first.

    `until`: all that was changed before it has been shown, and the next sweep begins there; None
    where `following` leads to another page first.
    """

    found: Sequence[T]
    following: Cursor | None
    until: datetime | None


def next_cursor(following: Cursor | None) -> str | None:
    """Return where the next page begins as the caller sees it; None where there is none."""
    return following.encode() if following is not None else None


def cursor_of(text: str | None) -> Cursor | None:
    """Return where the page begins that a caller asks for; None for the first one.

    Raises `InvalidInput` as `decode_cursor` does.
    """
    return None if text is None else decode_cursor(text)


def decode_cursor(text: str) -> Cursor:
    """Read a cursor. Raises `InvalidInput` for one that Tillgate did not make."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        milliseconds, _, row_id = raw.decode().partition(":")
        at = datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    except (binascii.Error, ValueError, OverflowError, OSError):
        at, row_id = EARLIEST, ""
    if not row_id or not EARLIEST < at < LATEST:
        problem = FieldProblem("cursor", "is not one that this list returned")
        raise InvalidInput("The cursor can't be read.", problems=(problem,))
    return Cursor(at, row_id)
