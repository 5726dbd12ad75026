"""Read old rows in their natural order, and write sessions that are not there yet."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from datetime import UTC
from decimal import Decimal
from itertools import count
from pathlib import Path

from bson import DatetimeMS, Decimal128, ObjectId, decode, json_util
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError, InvalidBSON
from bson.raw_bson import RawBSONDocument
from msgspec import Struct, field
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, ConfigurationError, InvalidURI

from service.core.errors import Misconfigured
from service.imports.values import OldRow, Unreadable, shown
from service.sessions.documents import Session
from service.storage.database import ANSWER_WITHIN_S, Row

_DUPLICATE = 11_000
_BATCH_BYTES = 16_000_000
_RAW = CodecOptions(document_class=RawBSONDocument)
# A date that Python can't represent becomes a number of milliseconds, and a fault of its row.
_PLAIN: CodecOptions[Row] = CodecOptions(
    tz_aware=True,
    tzinfo=UTC,
    uuid_representation=UuidRepresentation.STANDARD,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)
# JSON with the types of BSON where a line has some, as `mongoexport` writes them.
_JSON = json_util.JSONOptions(
    tz_aware=True,
    tzinfo=UTC,
    uuid_representation=UuidRepresentation.STANDARD,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)
# What the driver raises for a type of BSON whose parts are missing, or no number.
_NOT_JSON = (BSONError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError)
LONGEST_LINE = 32_000_000
"""Bytes of a line: no document has more than 16 MiB, and its JSON seldom twice as many."""
_ID_INDEX = ("merchantId", "sessionId")


class Lines(Struct, frozen=True):
    """A file of rows: each line is one, in JSON."""

    path: Path


Source = AsyncCollection[Row] | Lines


@asynccontextmanager
async def opened_source(
    uri: str, database: str, collection: str
) -> AsyncIterator[AsyncCollection[Row]]:
    """Open an old collection on another server, a standalone one too. Raises `Misconfigured`."""
    try:
        client: AsyncMongoClient[Row] = AsyncMongoClient(
            uri,
            tz_aware=True,
            tzinfo=UTC,
            uuidRepresentation="standard",
            serverSelectionTimeoutMS=int(ANSWER_WITHIN_S * 1000),
            appname="tillgate-import",
        )
    except (ConfigurationError, InvalidURI, ValueError) as error:
        raise Misconfigured(f"The source's address can't be read: {error}") from error
    async with client:
        yield client[database][collection]


async def batches(source: Source, size: int) -> AsyncIterator[list[OldRow | Unreadable]]:
    """Yield the rows batch by batch: as many, or as many bytes, as memory has room for.

    Each is decoded by itself, so that one which can't be holds up no other.
    """
    batch: list[OldRow | Unreadable] = []
    held = 0
    async for row, length in _rows(source, size):
        batch.append(row)
        held += length
        if len(batch) == size or held > _BATCH_BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


async def _rows(source: Source, size: int) -> AsyncIterator[tuple[OldRow | Unreadable, int]]:
    """Yield each row with the bytes that it takes."""
    if isinstance(source, Lines):
        for number, line in _lines(source.path):
            yield _parsed(line, number), len(line or b"")
        return
    number = 0
    async for raw in source.with_options(codec_options=_RAW).find(batch_size=size):
        number += 1
        row = bytes(raw.raw)
        yield _decoded(row, number), len(row)


def _lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """Yield the lines that are not empty by their numbers; None for one that is too long to read.

    A file without a line's end would come into memory as a whole.
    """
    with path.open("rb") as file:
        for number in count(1):
            line = file.readline(LONGEST_LINE)
            if not line:
                return
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                while line and not line.endswith(b"\n"):
                    line = file.readline(LONGEST_LINE)
                yield number, None
            elif line.strip():
                yield number, line


async def known_ids(merchant_id: str, session_ids: Sequence[str]) -> set[str]:
    """Return those ids that a session has already."""
    wanted = {"merchantId": merchant_id, "sessionId": {"$in": list(session_ids)}}
    cursor = Session.get_pymongo_collection().find(wanted, {"sessionId": 1})
    return {row["sessionId"] async for row in cursor}


class Inserted(Struct, frozen=True):
    """What an insert left out: ids that were there, that met an open checkout, and why others."""

    present: Set[str] = frozenset()
    second: Set[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)


async def insert_new(sessions: Sequence[Session]) -> Inserted:
    """Insert what is not there. Each row stands for itself: one that is refused holds up no other.

    Raises what the driver raises where it is not about a row.
    """
    rows = [session.to_row() for session in sessions]
    try:
        await Session.get_pymongo_collection().insert_many(rows, ordered=False)
    except BulkWriteError as error:
        if error.details["writeConcernErrors"]:
            raise
        failures = {str(one["op"]["sessionId"]): one for one in error.details["writeErrors"]}
        taken = {
            name: tuple(failure["keyPattern"])
            for name, failure in failures.items()
            if failure["code"] == _DUPLICATE
        }
        there = {name for name, index in taken.items() if index == _ID_INDEX}
        others = {name: str(failures[name]["errmsg"]) for name in failures.keys() - taken.keys()}
        return Inserted(there, taken.keys() - there, others)
    return Inserted()


def _decoded(raw: bytes, number: int) -> OldRow | Unreadable:
    try:
        row = decode(raw, _PLAIN)
    except (InvalidBSON, ValueError, OverflowError) as error:
        return Unreadable(f"row {number}", f"it can't be decoded: {shown(error)}")
    return {name: _readable(value) for name, value in row.items()}


def _parsed(line: bytes | None, number: int) -> OldRow | Unreadable:
    if line is None:
        return Unreadable(f"line {number}", f"it is longer than {LONGEST_LINE} bytes")
    try:
        row = json_util.loads(line, json_options=_JSON)
    except _NOT_JSON as error:
        return Unreadable(f"line {number}", f"it is not JSON: {shown(error)}")
    if not isinstance(row, dict):
        return Unreadable(f"line {number}", "it is not a JSON object")
    return {name: _readable(value) for name, value in row.items()}


def _readable(value: object) -> object:
    if isinstance(value, Decimal128):
        number: Decimal = value.to_decimal()
        return number
    if isinstance(value, DatetimeMS):
        return f"{int(value)} ms from 1970, outside of the years 1 to 9999"
    if isinstance(value, ObjectId):
        return str(value)
    return value
