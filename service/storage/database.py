"""Connect to MongoDB with the options that money needs."""

from datetime import UTC
from typing import Any, TypeAlias

from bson.tz_util import utc
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConfigurationError, InvalidURI, PyMongoError

from service.core.errors import Misconfigured

# BSON documents hold values of any BSON type; rows are typed where they leave a repository.
Row: TypeAlias = dict[str, Any]
Client: TypeAlias = AsyncMongoClient[Row]
Database: TypeAlias = AsyncDatabase[Row]
Collection: TypeAlias = AsyncCollection[Row]

# The driver's own UTC is asked for its offset in Python, at each time of each row that is read or
# compared. It answers as the standard library's does, in C: a row is decoded a quarter faster.
utc.utcoffset = UTC.utcoffset  # type: ignore[method-assign,assignment]

# Providers wait 3 to 10 seconds for an answer: the database gets 3 of them.
ANSWER_WITHIN_S = 3.0


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
            serverSelectionTimeoutMS=int(ANSWER_WITHIN_S * 1000),
            connectTimeoutMS=int(ANSWER_WITHIN_S * 1000),
            appname="tillgate",
        )
    except (ConfigurationError, InvalidURI, ValueError) as error:
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
