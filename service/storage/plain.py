"""Transactions of their own: the plain path, on which all that must hold rests."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar, cast

import pymongo
from pymongo import ReturnDocument, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError, PyMongoError, WTimeoutError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from service.core.errors import Unavailable
from service.storage.answering import Duplicate, answers_in_time, error_of
from service.storage.database import ANSWER_WITHIN_S, EMPTY_TIME, Collection, Row
from service.storage.documents import StoredDocument, bound_client
from service.storage.transaction import Question, Transaction, query_of

T = TypeVar("T")
D = TypeVar("D", bound=StoredDocument)

_LET_GO_WITHIN_S = 0.5
_SNAPSHOT = ReadConcern("snapshot")
_DURABLE = WriteConcern("majority", j=True)
_OUTCOME_UNKNOWN = "UnknownTransactionCommitResult"


class PlainTransaction:
    """A `Transaction` that does at once what it is asked, by the driver's session."""

    __slots__ = ("session",)

    def __init__(self, session: AsyncClientSession | None) -> None:
        """Belong to a session in which a transaction was begun; None: each command for itself."""
        self.session = session

    async def look_ahead(self, questions: Sequence[Question]) -> None:
        """Do nothing: what is asked ahead may not be needed when its time comes."""

    async def look_up(self, question: Question) -> list[Row]:
        """Return the rows that any of the look-ups finds; each has an index of its own."""
        query = query_of(question.look_ups)
        if query is None:
            return []
        return await question.collection.find(query, session=self.session).to_list()

    async def insert(self, collection: Collection, row: Row) -> None:
        """Insert a row. Raises `Duplicate`."""
        await collection.insert_one(row, session=self.session)

    async def insert_missing(self, collection: Collection, rows: Sequence[Row]) -> None:
        """Insert rows that are not there yet.

        An upsert and not an insert: a duplicate key would abort the transaction.
        """
        writes = [UpdateOne({"_id": row["_id"]}, _unless_there(row), upsert=True) for row in rows]
        if writes:
            await collection.bulk_write(writes, session=self.session)

    async def insert_new(self, collection: Collection, rows: Sequence[Row]) -> None:
        """Insert rows by one command. Raises `Duplicate`."""
        try:
            await collection.insert_many(rows, ordered=False, session=self.session)
        except BulkWriteError as error:
            for failed in error.details["writeErrors"]:
                if isinstance(found := error_of(failed), Duplicate):
                    raise found from error
            raise

    async def update(self, collection: Collection, wanted: Row, change: Row) -> None:
        """Change the row that is as `wanted` says."""
        await collection.update_one(wanted, change, session=self.session)

    async def change(self, document: D, wanted: Row, change: Row) -> D | None:
        """Change the row of a document, and read it back by the same command."""
        row = await document.get_pymongo_collection().find_one_and_update(
            wanted, change, session=self.session, return_document=ReturnDocument.AFTER
        )
        return None if row is None else cast(D, document.model_validate(row))


NO_TRANSACTION: Transaction = PlainTransaction(None)
"""For a write that stands for itself: each command is its own transaction."""


async def in_transaction(
    work: Callable[[Transaction], Awaitable[T]], seconds: float = ANSWER_WITHIN_S
) -> T:
    """Run `work` in one snapshot transaction with majority commit; repeat it on conflicts.

    `work` may run several times and must have no other effect than its writes. Raises
    `Unavailable` when the database can't answer in time: nothing is known to be written then. Not
    to be called within `answers_in_time`, whose limit would also end what cleans up after it.
    """
    async with bound_client().start_session() as session:
        try:
            async with answers_in_time(seconds):
                return await session.with_transaction(
                    lambda session: work(PlainTransaction(session)),
                    read_concern=_SNAPSHOT,
                    write_concern=_DURABLE,
                )
        except Unavailable:
            await _let_go(session)
            raise


async def try_transaction(
    work: Callable[[AsyncClientSession], Awaitable[None]], seconds: float
) -> None:
    """Run `work` once in one transaction: a conflict is raised, not tried again.

    For a group, whose works would have to be begun anew. Raises as `in_transaction` does, and what
    the driver raises.
    """
    async with bound_client().start_session() as session:
        try:
            async with answers_in_time(seconds):
                await session.start_transaction(_SNAPSHOT, _DURABLE)
                await work(session)
                await _commit(session)
        except Unavailable:
            await _let_go(session)
            raise
        finally:
            await _abort(session)


async def _commit(session: AsyncClientSession) -> None:
    """Commit, and ask again while it is unknown whether that was done: asking twice is safe."""
    while True:
        try:
            return await session.commit_transaction()
        except PyMongoError as error:
            over = error.timeout and not isinstance(error, WTimeoutError)
            if over or not error.has_error_label(_OUTCOME_UNKNOWN):
                raise


async def _let_go(session: AsyncClientSession) -> None:
    """End what may still stand at the server of a transaction that was given up.

    The driver's own abort falls to the same timeout. Without this the documents stay locked until
    the server gives up by itself, after a minute, and every repetition of the call meets the lock.
    """
    with suppress(PyMongoError), pymongo.timeout(_LET_GO_WITHIN_S):
        await bound_client().admin.command({"killSessions": [session.session_id]})


async def _abort(session: AsyncClientSession) -> None:
    """Abort what was begun and not committed; the driver would wait for it without a limit."""
    if session.in_transaction:
        with suppress(PyMongoError), pymongo.timeout(_LET_GO_WITHIN_S):
            await session.abort_transaction()


def _unless_there(row: Row) -> Row | list[Row]:
    """Return what makes a row where there is none.

    The database replaces an empty `Timestamp` of an inserted row by its own time, but not in an
    upsert: there it is asked for.
    """
    asked = [name for name, value in row.items() if value == EMPTY_TIME]
    if not asked:
        return {"$setOnInsert": {name: value for name, value in row.items() if name != "_id"}}
    made = {"$mergeObjects": [{"$literal": row}, dict.fromkeys(asked, "$$CLUSTER_TIME")]}
    is_new = {"$eq": ["$$ROOT", {"_id": "$_id"}]}
    return [{"$replaceWith": {"$cond": [is_new, made, "$$ROOT"]}}]
