"""What the database says when it can't answer, and how long it is waited for."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pymongo
from pymongo.errors import (
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
    WriteError,
)

from service.core.errors import Unavailable
from service.core.measures import DATABASE
from service.storage.database import ANSWER_WITHIN_S, Row

Duplicate = DuplicateKeyError
DatabaseError = PyMongoError

_DUPLICATE_KEY = 11000

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


@asynccontextmanager
async def answers_in_time(seconds: float = ANSWER_WITHIN_S) -> AsyncIterator[None]:
    """Bound the database calls of a block, and turn their failure to answer into `Unavailable`."""
    began, outcome = time.perf_counter(), "failed"
    try:
        with pymongo.timeout(seconds):
            yield
        outcome = "answered"
    except PyMongoError as error:
        if is_no_answer(error):
            outcome = "unavailable"
            raise Unavailable("The database can't answer now; try again.") from error
        raise
    finally:
        DATABASE.observe(time.perf_counter() - began, outcome)


def is_no_answer(error: PyMongoError) -> bool:
    """Return whether an error means that the database did not answer, not that it said no."""
    return (
        isinstance(error, _NO_ANSWER)
        or (isinstance(error, OperationFailure) and error.code in NO_ANSWER_CODES)
        or error.timeout
        or error.has_error_label("TransientTransactionError")
        or error.has_error_label("RetryableWriteError")
    )


def error_of(failed: Row) -> Exception:
    """Make of a line of a bulk's report the error that `insert_one` would have raised."""
    message, code = failed["errmsg"], failed["code"]
    if code == _DUPLICATE_KEY:
        return Duplicate(message, code, failed)
    return WriteError(message, code, failed)
