"""A database as a test begins with it: empty, and of this version's layout."""

from collections.abc import Iterable

from service.migrations.documents import Migration
from service.storage.database import Database
from service.storage.documents import StoredDocument


async def emptied(database: Database, documents: Iterable[type[StoredDocument]]) -> None:
    """Delete every row but the migrations', without which nothing may serve from it.

    Every test of a worker shares the database: whoever takes the layout away fails another's.
    """
    for document in documents:
        if document is not Migration:
            await database[document.collection_name()].delete_many({})
