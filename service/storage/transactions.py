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
    OperationFailure,
    PyMongoError,
    WriteConcernError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from service.core.errors import Unavailable
from service.storage.database import ANSWER_WITHIN_S
from service.storage.documents import bound_client
from service.storage.group_commit.member import Member, NeedsOwnTransaction

Transaction: TypeAlias = AsyncClientSession | Member
"""What a write belongs to: a transaction of its own, or a part of one that it shares."""

Duplicate = DuplicateKeyError
DatabaseError = PyMongoError

T = TypeVar("T")

_LET_GO_WITHIN_S = 0.5
_SNAPSHOT = ReadConcern("snapshot")
_DURABLE = WriteConcern("majority", j=True)
_OUTCOME_UNKNOWN = "UnknownTransactionCommitResult"

_NO_ANSWER = (
    ConnectionFailure,  # also AutoReconnect and ServerSelectionTimeoutError
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    WriteConcernError,  # done, but whether it stays is not known
)

# What a server says that can't answer now. The driver has classes for some of them, and for others
# only where they come in a certain place of the answer.
NO_ANSWER_CODES = frozenset(
    {
        6,  # HostUnreachable
        7,  # HostNotFound
        24,  # LockTimeout
        43,  # CursorNotFound: the member that held it is gone
        50,  # MaxTimeMSExpired
        64,  # WriteConcernTimeout, also where a command as a whole fails with it
        89,  # NetworkTimeout
        91,  # ShutdownInProgress
        100,  # UnsatisfiableWriteConcern
        112,  # WriteConflict, outside a transaction
        133,  # FailedToSatisfyReadPreference
        134,  # ReadConcernMajorityNotAvailableYet
        136,  # CappedPositionLost
        175,  # QueryPlanKilled
        189,  # PrimarySteppedDown
        202,  # NetworkInterfaceExceededTimeLimit
        237,  # CursorKilled
        246,  # SnapshotUnavailable
        251,  # NoSuchTransaction
        262,  # ExceededTimeLimit
        290,  # TransactionExceededLifetimeLimitSeconds
        365,  # PooledConnectionAcquisitionExceededTimeLimit
        9001,  # SocketException
        10107,  # NotWritablePrimary
        11600,  # InterruptedAtShutdown
        11601,  # Interrupted
        11602,  # InterruptedDueToReplStateChange
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
    }
)


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
                    work, read_concern=_SNAPSHOT, write_concern=_DURABLE
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


def session_of(tx: Transaction | None) -> AsyncClientSession | None:
    """Give the driver's session of a transaction, for a query that a group can't share.

    Raises `NeedsOwnTransaction` in a group, which then runs the work alone.
    """
    if isinstance(tx, Member):
        raise NeedsOwnTransaction
    return tx


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
        or (isinstance(error, OperationFailure) and error.code in NO_ANSWER_CODES)
        or error.timeout
        or error.has_error_label("TransientTransactionError")
        or error.has_error_label("RetryableWriteError")
    )
