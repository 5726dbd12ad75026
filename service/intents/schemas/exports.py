"""All leads that are wanted as one file: it never stands in memory as a whole."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from operator import itemgetter

from service.core.json_text import to_json
from service.core.spreadsheets import csv_lines
from service.intents.schemas.answers import intent_view
from service.intents.schemas.queries import Form
from service.storage.database import Row

TYPES: Mapping[Form, str] = {"csv": "text/csv", "json": "application/json"}

_WISH = ("planName", "amount", "amountMinor", "currency", "userEmail", "userAgent")
_JOURNEY = ("feedback", "sessionId")
_PERSON = ("consentText", "locale", "timeZone")
_COLUMNS = (*_WISH, *_JOURNEY, "mailConsent", *_PERSON)
_HEADER = ("id", "timestamp", "createdAt", *_COLUMNS, "ipAddress", "followedBy")

_before, _after = itemgetter(*_WISH, *_JOURNEY), itemgetter(*_PERSON)
_AS_NUMBER = {None: None, False: 0, True: 1}
Lists = AsyncIterator[Sequence[Row]]


def as_file(lists: Lists, form: Form, about: Mapping[str, object]) -> AsyncIterator[bytes]:
    """Yield a file of leads; `about` stands in one of JSON as its metadata."""
    return _as_csv(lists) if form == "csv" else _as_json(lists, about)


async def _as_csv(lists: Lists) -> AsyncIterator[bytes]:
    """Yield a table of RFC 4180: a header, then a row for each lead."""
    yield csv_lines([_HEADER])
    async for rows in lists:
        yield csv_lines(_cells(rows))


async def _as_json(lists: Lists, about: Mapping[str, object]) -> AsyncIterator[bytes]:
    """Yield `{"metadata": {…}, "intents": […], "count": n}`; one that was cut has no count."""
    count, before = 0, b'{"metadata":' + to_json(about) + b',"intents":['
    async for rows in lists:
        yield before + b",\n".join(to_json(intent_view(row)) for row in rows)
        count, before = count + len(rows), b",\n"
    yield (before if not count else b"") + b'],"count":' + str(count).encode() + b"}\n"


def _cells(rows: Sequence[Row]) -> Iterator[Sequence[object]]:
    for row in rows:
        created, said = _time(row["createdAt"]), row["timestamp"]
        yield (
            row["_id"],
            created if said is None else _time(said),
            created,
            *_before(row),
            _AS_NUMBER[row["mailConsent"]],
            *_after(row),
            row["ipAddress"] or row["client"],
            " ".join(row["followedBy"]),
        )


def _time(moment: datetime) -> str:
    """Write a moment of the database, which is in UTC."""
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
