"""The one way to write several documents at once, and the one place that times the database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias, TypeVar

import pymongo
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import (
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    PyMongoError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from service.core.errors import Unavailable
from service.storage.database import ANSWER_WITHIN_S
from service.storage.documents import bound_client

Transaction: TypeAlias = AsyncClientSession
Duplicate = DuplicateKeyError
DatabaseError = PyMongoError

T = TypeVar("T")

_LET_GO_WITHIN_S = 0.5

_NO_ANSWER = (
    ConnectionFailure,  # also AutoReconnect and ServerSelectionTimeoutError
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    WTimeoutError,
)


async def in_transaction(work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Run `work` in one snapshot transaction with majority commit; repeat it on conflicts.

    `work` may run several times and must have no other effect than its writes. Raises
    `Unavailable` when the database can't answer in 3 s: nothing is known to be written then.
    """
    async with bound_client().start_session() as session:
        try:
            async with answers_in_time():
                return await session.with_transaction(
                    work,
                    read_concern=ReadConcern("snapshot"),
                    write_concern=WriteConcern("majority", j=True),
                )
        except Unavailable:
            await _let_go(session)
            raise


async def _let_go(session: Transaction) -> None:
    """End what may still stand at the server of a transaction that was given up.

    The driver's own abort falls to the same timeout. Without this the documents stay locked until
    the server gives up by itself, after a minute, and every repetition of the call meets the lock.
    """
    with suppress(PyMongoError), pymongo.timeout(_LET_GO_WITHIN_S):
        await bound_client().admin.command({"killSessions": [session.session_id]})


@asynccontextmanager
async def answers_in_time(seconds: float = ANSWER_WITHIN_S) -> AsyncIterator[None]:
    """Bound the database calls of a block, and turn their failure to answer into `Unavailable`."""
    try:
        with pymongo.timeout(seconds):
            yield
    except PyMongoError as error:
        if is_no_answer(error):
            raise Unavailable("The database can't answer now; try again.") from error
        raise


def is_no_answer(error: PyMongoError) -> bool:
    """Tell whether an error means that the database did not answer, not that it said no."""
    return (
        isinstance(error, _NO_ANSWER)
        or error.timeout
        or error.has_error_label("TransientTransactionError")
        or error.has_error_label("RetryableWriteError")
    )
