"""How far a month was held against its entries ahead of the transaction that closes it."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime

import msgspec
from msgspec import Struct

from service.analytics.repository.facts import Span
from service.core.json_text import to_json
from service.reports.operations.comparing import Sums
from service.reports.operations.due import Due


class Ahead(Struct, frozen=True):
    """How far a month was held against its entries, and what it came to.

    `since`: what was written later than that, by the seconds of the database's time, may be other
    than it was read. `reached` is where the quarter-hour begins that is next, None once all were
    read. A row of each of those that are `unlike` differed from its entries.
    """

    report_id: str
    span: Span
    since: Mapping[str, int]
    reached: datetime | None
    sums: Sums
    unlike: Collection[datetime]

    def is_of(self, due: Due) -> bool:
        """Return whether it is of this month, as it begins and ends now."""
        return (self.report_id, self.span) == (due.report_id, due.span)


def written(ahead: Ahead) -> str:
    """Return it as text, for the next run."""
    return to_json(ahead).decode()


def read(text: object) -> Ahead | None:
    """Return what a run before kept; None where it kept nothing, or an older version did."""
    if isinstance(text, str):
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(text, type=Ahead)
    return None
