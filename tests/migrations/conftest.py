"""Databases as older versions left them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest_asyncio
from bson import json_util
from pymongo import IndexModel

from service.core.principal import DEFAULT_MERCHANT, Kind, Principal
from service.storage.database import Client, Database, Row
from service.storage.documents import bind
from service.stored import DOCUMENTS

BY = Principal(Kind.ADMIN, DEFAULT_MERCHANT, key_id="cli", name="cli:ada")
HERE = Path(__file__).parent
BEFORE = HERE / "before_the_first.json"
BEFORE_THE_INBOX = HERE / "before_the_inbox.json"
_OPTIONS = json_util.JSONOptions(tz_aware=True)


def read(made: Path) -> dict[str, Any]:
    """Return what was kept of an older version's database."""
    found: dict[str, Any] = json_util.loads(made.read_text(), json_options=_OPTIONS)
    return found


async def fill(database: Database, made: Path = BEFORE) -> None:
    """Put the indexes and documents of the older version into an empty database.

    The indexes first: on an empty collection they are there at once, and otherwise they are built
    beside whoever may write.
    """
    found = read(made)
    for name, indexes in found["indexes"].items():
        models = [_model(index) for index in indexes if index["name"] != "_id_"]
        if models:
            await database[name].create_indexes(models)
    for name, rows in found["rows"].items():
        await database[name].insert_many(rows)


def _model(index: dict[str, Any]) -> IndexModel:
    options = {key: value for key, value in index.items() if key not in {"v", "key"}}
    return IndexModel(list(index["key"].items()), **options)


async def everything(database: Database) -> dict[str, list[Row]]:
    """Return all documents that migrations touch."""
    names = ("sessions", "payments", "webhook_events", "outbox")
    return {name: await database[name].find({}).sort("_id", 1).to_list() for name in names}


@asynccontextmanager
async def older(indexed_database: Database, client: Client, made: Path) -> AsyncIterator[Database]:
    """Make an older version's database; the documents are bound to it meanwhile."""
    await client.drop_database("tillgate_old")
    database = client["tillgate_old"]
    await fill(database, made)
    await bind(database, DOCUMENTS)
    yield database
    await bind(indexed_database, DOCUMENTS)
    await client.drop_database("tillgate_old")


@pytest_asyncio.fixture
async def old(indexed_database: Database, client: Client) -> AsyncIterator[Database]:
    """The database of the version before the first migration."""
    async with older(indexed_database, client, BEFORE) as database:
        yield database
