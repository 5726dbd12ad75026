"""Connect to MongoDB with the options that money needs."""

from datetime import datetime
from typing import Any, TypeAlias, cast

from bson import Timestamp
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConfigurationError, InvalidURI, PyMongoError

from service.core.clock import Clock
from service.core.errors import Misconfigured
from service.storage.driver import answer_utc_quickly, wait_in_one_task

# BSON documents hold values of any BSON type; rows are typed where they leave a repository.
Row: TypeAlias = dict[str, Any]
Client: TypeAlias = AsyncMongoClient[Row]
Database: TypeAlias = AsyncDatabase[Row]
DatabaseTime: TypeAlias = Timestamp
Collection: TypeAlias = AsyncCollection[Row]

answer_utc_quickly()
wait_in_one_task()

# Providers wait 3 to 10 seconds for an answer: the database gets 3 of them.
ANSWER_WITHIN_S = 3.0

HEARTBEAT_MS = 1000

EMPTY_TIME: DatabaseTime = Timestamp(0, 0)
"""What the database replaces by its own time, in a field of a row that is inserted."""

BY_ID = "_id_"
"""The index for rows that are named by their ids: without the hint others are tried beside it."""

WRITTEN_AT = "writtenAt"
"""The field that has the database's time of a row's last change."""

NOW_WRITTEN: Row = {"$currentDate": {WRITTEN_AT: {"$type": "timestamp"}}}
"""The part of an update by which the database puts its own time there."""


def earlier(at: DatabaseTime, seconds: int) -> DatabaseTime:
    """Return a time of the database some seconds earlier."""
    return DatabaseTime(max(at.time - seconds, 0), 0 if seconds else at.inc)


async def time_of(database: Database, clock: Clock) -> datetime:
    """Return the present moment by the database's clock: processes' clocks differ."""
    found = await database.aggregate([{"$documents": [{"now": clock.in_database()}]}])
    return cast(datetime, (await found.to_list())[0]["now"])


def whole_numbers(row: Row) -> Row:
    """Return a row of sums without fractions: beyond 64 bits the database adds up floats."""
    return {name: int(one) if isinstance(one, float) else one for name, one in row.items()}


def connect(uri: str) -> Client:
    """Open a client: majority-acknowledged journaled writes, majority reads, aware UTC times.

    Raises `Misconfigured` for an address that can't be read.
    """
    try:
        return AsyncMongoClient(
            uri,
            tz_aware=True,
            uuidRepresentation="standard",
            w="majority",
            journal=True,
            readConcernLevel="majority",
            retryWrites=True,
            # A member that says that it shuts down is asked for again with the next heartbeat, and
            # until then nothing goes to it: by default that is up to ten seconds.
            heartbeatFrequencyMS=HEARTBEAT_MS,
            serverSelectionTimeoutMS=int(ANSWER_WITHIN_S * 1000),
            connectTimeoutMS=int(ANSWER_WITHIN_S * 1000),
            appname="tillgate",
        )
    except (ConfigurationError, InvalidURI, ValueError, OSError) as error:
        raise Misconfigured(f"MONGODB_URI can't be read: {error}") from error


async def require_replica_set(client: Client) -> None:
    """Refuse a standalone server: it has no transactions. Raises `Misconfigured`."""
    try:
        hello = await client.admin.command("hello")
    except PyMongoError as error:
        # The driver adds its timeouts and all that it knows of the set.
        reason = str(error).partition(" (configured")[0].partition(", full error")[0]
        raise Misconfigured(f"MongoDB does not answer at MONGODB_URI: {reason}") from error
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise Misconfigured(
            "MONGODB_URI is a standalone server. Tillgate commits each event in a transaction, "
            "and MongoDB has those on a replica set only; a set of one member is enough."
        )
