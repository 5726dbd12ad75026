"""Queries on documents of an older layout: raw rows, since no document of ours describes them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, TypeAlias

from pymongo import UpdateOne
from pymongo.errors import OperationFailure

from service.migrations.documents import Migration
from service.storage.answering import answers_in_time
from service.storage.database import Database, Row
from service.storage.transaction import Transaction

Update: TypeAlias = tuple[Row, Row | list[Row]]
"""A filter, and what is done to the one document that it finds."""

WITHIN_S = 60.0
_HOLD_DATA = ("sessions", "payments", "webhook_events", "prices")
_NO_SUCH_INDEX = 27
_NO_SUCH_COLLECTION = 26


async def done_migrations(database: Database) -> list[Migration]:
    """Return the migrations that the database has behind it, by number."""
    async with answers_in_time():
        rows = await database[Migration.collection_name()].find({}).sort("_id", 1).to_list()
    return [Migration.model_validate(row) for row in rows]


async def is_new(database: Database) -> bool:
    """Return whether the database holds nothing whose layout has ever changed."""
    async with answers_in_time():
        for name in _HOLD_DATA:
            if await database[name].find_one({}, {"_id": 1}) is not None:
                return False
    return True


async def keep_missing(migrations: Sequence[Migration], tx: Transaction) -> None:
    """Keep that migrations are done; those that are known already stay."""
    rows = [migration.to_row() for migration in migrations]
    await tx.insert_missing(Migration.get_pymongo_collection(), rows)


async def keep_latest(migration: Migration, tx: Transaction) -> None:
    """Keep that a migration is done, in the place of what is known of an earlier run."""
    row = migration.to_row()
    await Migration.get_pymongo_collection().replace_one(
        {"_id": row["_id"]}, row, upsert=True, session=tx.session
    )


async def count(database: Database, collection: str, wanted: Row) -> int:
    """Count what a step has to change."""
    async with answers_in_time(WITHIN_S):
        return await database[collection].count_documents(wanted)


async def find(
    database: Database, collection: str, wanted: Row, fields: Sequence[str] = ()
) -> list[Row]:
    """Return all rows of a query that is known to find few."""
    shown = dict.fromkeys(fields, 1) if fields else None
    async with answers_in_time(WITHIN_S):
        return await database[collection].find(wanted, shown).to_list()


async def batches(
    database: Database, collection: str, wanted: Row, size: int
) -> AsyncIterator[list[Row]]:
    """Yield what is found in the order of `_id`, `size` rows at a time.

    Each batch is a query of its own, from where the one before ended: a cursor would not outlive
    a long step, and what was changed may be found no more.
    """
    beyond: Row = {}
    while True:
        async with answers_in_time(WITHIN_S):
            found = database[collection].find({"$and": [wanted, beyond]}).sort("_id", 1)
            rows = await found.limit(size).to_list()
        if not rows:
            return
        yield rows
        beyond = {"_id": {"$gt": rows[-1]["_id"]}}


async def update_in(
    tx: Transaction, database: Database, collection: str, updates: Sequence[Update]
) -> int:
    """Apply updates, each to one document, in a transaction; return how many were changed."""
    if not updates:
        return 0
    writes = [UpdateOne(wanted, change) for wanted, change in updates]
    done = await database[collection].bulk_write(writes, session=tx.session)
    return done.modified_count


async def find_in(
    tx: Transaction, database: Database, collection: str, ids: Sequence[Any]
) -> dict[Any, Row]:
    """Return rows by their `_id`, as a transaction sees them."""
    cursor = database[collection].find({"_id": {"$in": list(ids)}}, session=tx.session)
    return {row["_id"]: row for row in await cursor.to_list()}


async def first_in(tx: Transaction, database: Database, collection: str, wanted: Row) -> Row | None:
    """Return the first row in the order of `_id`, as a transaction sees it."""
    return await database[collection].find_one(wanted, sort=[("_id", 1)], session=tx.session)


async def exchange(
    tx: Transaction, database: Database, collection: str, gone: Sequence[Any], rows: Sequence[Row]
) -> None:
    """Put rows in the place of others, which may have other ids."""
    session = tx.session
    ids = [*gone, *(row["_id"] for row in rows)]
    await database[collection].delete_many({"_id": {"$in": ids}}, session=session)
    if rows:
        await database[collection].insert_many(list(rows), session=session)


async def merchants(database: Database, collection: str = "sessions") -> list[str]:
    """Return whose rows there are: with them a session is found by its id in the index."""
    async with answers_in_time(WITHIN_S):
        found = await database[collection].distinct("merchantId")
    return [one for one in found if isinstance(one, str)]


async def insert_missing_in(
    tx: Transaction, database: Database, collection: str, rows: Sequence[Row]
) -> int:
    """Insert rows whose `_id` is not there yet, in a transaction; return how many."""
    writes = [UpdateOne({"_id": row["_id"]}, {"$setOnInsert": row}, upsert=True) for row in rows]
    done = await database[collection].bulk_write(writes, session=tx.session)
    return done.upserted_count


async def grouped(database: Database, collection: str, stages: Sequence[Row]) -> list[Row]:
    """Run an aggregation over a whole collection, on disk where it does not fit in memory."""
    async with answers_in_time(WITHIN_S * 10):
        cursor = await database[collection].aggregate(list(stages), allowDiskUse=True)
        return await cursor.to_list()


async def indexes_of(database: Database, collection: str) -> Mapping[str, Row]:
    """Return the indexes of a collection by their names."""
    async with answers_in_time():
        cursor = await database[collection].list_indexes()
        return {index["name"]: dict(index) async for index in cursor}


async def drop_index(database: Database, collection: str, name: str) -> None:
    """Drop an index; one that is not there is no error."""
    try:
        async with answers_in_time(WITHIN_S):
            await database[collection].drop_index(name)
    except OperationFailure as error:
        if error.code not in {_NO_SUCH_INDEX, _NO_SUCH_COLLECTION}:
            raise
