"""A database as a test begins with it: empty, and of this version's layout."""

from collections.abc import Iterable, Sequence
from typing import Any

from pymongo.read_concern import ReadConcern

from service.migrations.documents import Migration
from service.storage.database import Database
from service.storage.documents import StoredDocument


async def emptied(database: Database, documents: Iterable[type[StoredDocument]]) -> None:
    """Delete every row but the migrations', without which nothing may serve from it.

    Every test of a worker shares the database: whoever takes the layout away fails another's.
    """
    names = {document.collection_name() for document in documents if document is not Migration}
    for name in await _which_hold_rows(database, sorted(names)):
        await database[name].delete_many({})


async def _which_hold_rows(database: Database, names: Sequence[str]) -> list[str]:
    """Ask for all at once: most tests write to few, and each word to the database costs as much."""
    first, *others = names
    pipeline = _one_row(first)
    pipeline += [{"$unionWith": {"coll": name, "pipeline": _one_row(name)}} for name in others]
    whatever_is_there = database.with_options(read_concern=ReadConcern("local"))[first]
    found = await whatever_is_there.aggregate(pipeline)
    return [row["name"] for row in await found.to_list()]


def _one_row(name: str) -> list[dict[str, Any]]:
    return [{"$limit": 1}, {"$project": {"_id": 0, "name": {"$literal": name}}}]
