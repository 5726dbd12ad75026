"""The database of a command: the one in the settings, or the embedded one."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from service.cli.options import operator
from service.cli.settings import quiet_logging, settings_of
from service.core.clock import SystemClock
from service.core.errors import Misconfigured, Unavailable
from service.migrations.documents import Migration
from service.migrations.operations import bring_up_to_date
from service.settings import Settings
from service.storage.answering import DatabaseError, is_no_answer
from service.storage.database import Database
from service.storage.embedded import embedded_database
from service.storage.indexes import Drift
from service.stored import DOCUMENTS
from service.wiring import connected

T = TypeVar("T")

Work = Callable[[Settings, Database], Awaitable[T]]


def with_database(data_dir: Path, work: Work[T], *, prepare: bool = True) -> T:
    """Run a command's work on the database in the settings, else on the data directory's own.

    The embedded server is used if it is running, and started for the command if it is not. With
    `prepare`, it is migrated and its indexes are created first, while any other database must
    already have this version's layout. Raises `Misconfigured`, `Unavailable`.
    """
    settings = settings_of(data_dir)
    quiet_logging(settings)
    with database_address(settings, data_dir) as uri:
        embedded = settings.database.uri is None

        async def run() -> T:
            as_is = embedded or not prepare
            async with connected(settings, uri, as_is=as_is) as client:
                database = client[settings.database.name]
                if embedded and prepare:
                    await brought_up_to_date(database)
                return await work(settings, database)

        with readable_database_errors():
            return asyncio.run(run())


async def brought_up_to_date(database: Database) -> tuple[list[Migration], list[Drift]]:
    """Migrate a database of our own, and create its indexes; return what ran, and what differs."""
    return await bring_up_to_date(database, DOCUMENTS, SystemClock(), operator())


@contextmanager
def database_address(settings: Settings, data_dir: Path, *, share: bool = True) -> Iterator[str]:
    """Return the address of the database; the embedded one runs while the block lasts.

    Must be called from the main thread. Raises `Misconfigured`.
    """
    if settings.database.uri is not None:
        yield settings.database.uri
        return
    if settings.production:
        raise Misconfigured(
            "MONGODB_URI is not set. The embedded database is for development; in production "
            "Tillgate needs a replica set."
        )
    with writable(data_dir), embedded_database(data_dir, share=share) as uri:
        yield uri


@contextmanager
def writable(data_dir: Path) -> Iterator[None]:
    """Report in words that a data directory can't be used. Raises `Misconfigured`."""
    reason = None
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror
    if reason is None and not os.access(data_dir, os.W_OK):
        reason = "Permission denied"
    if reason is not None:
        raise Misconfigured(
            f"The data directory {data_dir} can't be used: {reason}. "
            "Choose another with --data-dir."
        )
    yield


@contextmanager
def readable_database_errors() -> Iterator[None]:
    """Turn what the driver raises into an error of one readable line."""
    try:
        yield
    except DatabaseError as error:
        if is_no_answer(error):
            raise Unavailable("The database does not answer.") from error
        raise Misconfigured(f"The database refused: {error}") from error
