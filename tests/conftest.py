"""One real MongoDB for the whole run; each test begins with empty collections."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.storage.database import Client, Database, connect
from service.storage.documents import bind
from service.storage.embedded import embedded_database
from service.storage.indexes import apply_indexes
from service.wiring import DOCUMENTS

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def mongo_uri() -> Iterator[str]:
    """A real mongod as a replica set of one, with failpoints for the fault tests."""
    with tempfile.TemporaryDirectory(prefix="tillgate-test-") as directory:
        extra = ("--setParameter", "enableTestCommands=1")
        with embedded_database(Path(directory), extra=extra) as uri:
            yield uri


@pytest_asyncio.fixture(scope="session")
async def client(mongo_uri: str) -> AsyncIterator[Client]:
    """A client with the options of production."""
    client = connect(mongo_uri)
    yield client
    await client.close()


@pytest_asyncio.fixture(scope="session")
async def indexed_database(client: Client) -> Database:
    """The database with every collection, validator and index."""
    database = client["tillgate_test"]
    await bind(database, DOCUMENTS)
    await apply_indexes(database, DOCUMENTS)
    return database


@pytest_asyncio.fixture
async def database(indexed_database: Database) -> Database:
    """The database, emptied: dropping and making it again would take ten times as long."""
    for document in DOCUMENTS:
        await indexed_database[document.collection_name()].delete_many({})
    return indexed_database


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at noon of 21 November 2026."""
    return ManualClock(NOON)
