"""Read an old collection in its natural order, and write sessions that are not there yet."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC
from decimal import Decimal

from bson import Decimal128, ObjectId
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, ConfigurationError, InvalidURI

from service.core.errors import Misconfigured
from service.imports.values import OldRow
from service.sessions.documents import Session
from service.storage.database import ANSWER_WITHIN_S, Row

_DUPLICATE = 11_000
_ID_INDEX = ("merchantId", "sessionId")

Source = AsyncCollection[Row]


@asynccontextmanager
async def opened_source(uri: str, database: str, collection: str) -> AsyncIterator[Source]:
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


async def batches(source: Source, size: int) -> AsyncIterator[list[OldRow]]:
    """Give the rows batch by batch; the collection is never held in memory."""
    batch: list[OldRow] = []
    async for row in source.find(batch_size=size):
        batch.append({name: _readable(value) for name, value in row.items()})
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


async def known_ids(merchant_id: str, session_ids: Sequence[str]) -> set[str]:
    """Give those ids that a session has already."""
    wanted = {"merchantId": merchant_id, "sessionId": {"$in": list(session_ids)}}
    cursor = Session.get_pymongo_collection().find(wanted, {"sessionId": 1})
    return {row["sessionId"] async for row in cursor}


async def insert_new(sessions: Sequence[Session]) -> tuple[set[str], set[str]]:
    """Insert what is not there; give the ids that were there, and those that met an open checkout.

    Each row stands for itself: one that is refused holds up no other.
    """
    rows = [session.to_row() for session in sessions]
    try:
        await Session.get_pymongo_collection().insert_many(rows, ordered=False)
    except BulkWriteError as error:
        failures = error.details["writeErrors"]
        if any(failure["code"] != _DUPLICATE for failure in failures):
            raise
        refused = {
            str(failure["op"]["sessionId"]): tuple(failure["keyPattern"]) for failure in failures
        }
        there = {name for name, index in refused.items() if index == _ID_INDEX}
        return there, set(refused) - there
    return set(), set()


def _readable(value: object) -> object:
    if isinstance(value, Decimal128):
        number: Decimal = value.to_decimal()
        return number
    if isinstance(value, ObjectId):
        return str(value)
    return value
