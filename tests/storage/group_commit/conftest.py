"""A collection of its own, and every word that is said to the database."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient, IndexModel, monitoring
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import CollectionInvalid

from service.storage import plain
from service.storage.database import Client, Row
from service.storage.group_commit import queue, timing
from tests.support.limits import hastily
from tests.support.patience import IN_TIME

_ROWS = {"$jsonSchema": {"properties": {"amount": {"bsonType": ["int", "long"]}}}}


@dataclass
class Words(monitoring.CommandListener):
    """The commands that were sent, in order."""

    sent: list[tuple[str, Any]] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    _heard: dict[str, asyncio.Event] = field(default_factory=dict)

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Note a command."""
        self.sent.append((event.command_name, event.command))
        if heard := self._heard.get(event.command_name):
            heard.set()

    async def next(self, name: str) -> None:
        """Wait until the next command of a name is under way."""
        heard = self._heard[name] = asyncio.Event()
        async with asyncio.timeout(IN_TIME):
            await heard.wait()

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Note an answer."""
        self.answered.append(event.command_name)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Do nothing."""

    def sizes(self, name: str, what: str = "documents") -> list[int]:
        """Return how many rows each command of a name carried."""
        return [len(command[what]) for word, command in self.sent if word == name]

    def count(self, name: str) -> int:
        """Count the commands of a name."""
        return sum(word == name for word, _ in self.sent)


@pytest.fixture
def words() -> Words:
    """What is said by the client of this test."""
    return Words()


@pytest_asyncio.fixture
async def own_client(mongo_uri: str, words: Words) -> AsyncIterator[Client]:
    """A client like the service's, whose words are noted."""
    async with AsyncMongoClient[Row](
        mongo_uri,
        w="majority",
        journal=True,
        readConcernLevel="majority",
        serverSelectionTimeoutMS=3000,
        appname="tillgate",
        event_listeners=[words],
    ) as client:
        yield client


@pytest_asyncio.fixture
async def rows(
    own_client: Client, words: Words, monkeypatch: pytest.MonkeyPatch
) -> AsyncCollection[Row]:
    """An empty collection: `shop` and `name` are unique together, an amount is an integer."""
    database = own_client["tillgate_groups"]
    try:
        await database.create_collection("rows", validator=_ROWS)
    except CollectionInvalid:
        await database["rows"].delete_many({})
    await database["rows"].create_indexes([IndexModel([("shop", 1), ("name", 1)], unique=True)])
    # Transactions belong to a client: they are to be this one's.
    monkeypatch.setattr(plain, "bound_client", lambda: own_client)
    words.sent.clear()
    words.answered.clear()
    return database["rows"]


_PATIENCE_S = queue.PATIENCE_S


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A fifth of all time limits."""
    monkeypatch.setattr(queue, "PATIENCE_S", _PATIENCE_S / 5)
    monkeypatch.setattr(timing, "_SHORTEST_S", timing._SHORTEST_S / 5)
    monkeypatch.setattr(plain, "_LET_GO_WITHIN_S", plain._LET_GO_WITHIN_S / 5)
    with hastily():
        yield
