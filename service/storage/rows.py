"""Reads and writes of the hot routes: each may belong to a transaction that is shared with others.

A repository calls these where a group can do the same for all of its works at once; every other
query takes `session_of(tx)`, and its work is run alone.
"""

from collections.abc import Sequence

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from service.storage.database import Collection, Row
from service.storage.group_commit.inserts import error_of
from service.storage.group_commit.member import Member, Question
from service.storage.group_commit.reading import look_up_rows
from service.storage.transactions import Duplicate, Transaction, session_of


async def answer(question: Question, tx: Transaction | None) -> list[Row]:
    """Give the rows that a question is about."""
    if isinstance(tx, Member):
        return await tx.look_up(question)
    return await look_up_rows(question.collection, question.look_ups, tx)


async def look_ahead(questions: Sequence[Question], tx: Transaction | None) -> None:
    """Tell what a work is going to ask, so that a group answers all of it by one query.

    Alone, each question is asked when its time comes: what is asked ahead may not be needed then.
    """
    if isinstance(tx, Member):
        await tx.look_ahead(tuple(questions))


async def insert(collection: Collection, row: Row, tx: Transaction | None) -> None:
    """Insert a row. Raises `Duplicate`; in a group that gives the whole group up."""
    if isinstance(tx, Member):
        tx.insert(collection, row)
    else:
        await collection.insert_one(row, session=tx)


async def insert_missing(
    collection: Collection, rows: Sequence[Row], tx: Transaction | None
) -> None:
    """Insert rows that are not there yet, by their `_id`.

    An upsert and not an insert: a duplicate key would abort the transaction. A group is given up
    then, so there it can be the insert.
    """
    if isinstance(tx, Member):
        for row in rows:
            tx.insert(collection, row)
        return
    writes = [
        UpdateOne({"_id": row["_id"]}, {"$setOnInsert": _without_id(row)}, upsert=True)
        for row in rows
    ]
    if writes:
        await collection.bulk_write(writes, session=tx)


async def insert_new(collection: Collection, rows: Sequence[Row], tx: Transaction | None) -> None:
    """Insert rows by one command. Raises `Duplicate` where any is there; the transaction is over.

    For rows of which none is expected to be there: it costs the database half of `insert_missing`.
    """
    try:
        await collection.insert_many(rows, ordered=False, session=session_of(tx))
    except BulkWriteError as error:
        for failed in error.details["writeErrors"]:
            if isinstance(found := error_of(failed), Duplicate):
                raise found from error
        raise


async def update(collection: Collection, wanted: Row, change: Row, tx: Transaction | None) -> None:
    """Change the row that is as `wanted` says, and that was read in the same transaction."""
    if isinstance(tx, Member):
        tx.update(collection, wanted, change)
    else:
        await collection.update_one(wanted, change, session=tx)


def _without_id(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "_id"}
