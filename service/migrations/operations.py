"""Tell which layout a database has, and bring it to this version's."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from msgspec import Struct, field

from service.core.clock import Clock
from service.core.principal import Principal
from service.leases.errors import LeaseLost
from service.leases.operations import kept, leased
from service.leases.repository import Held
from service.migrations import repository
from service.migrations.begin_new import begin_new
from service.migrations.documents import Migration
from service.migrations.errors import LayoutDiffers, MigrationUnderway
from service.migrations.run_step import run_step
from service.migrations.steps import STEPS
from service.migrations.steps.step import Counts, Run, Step
from service.storage.database import Database
from service.storage.documents import StoredDocument
from service.storage.indexes import Drift, apply_indexes

# Held anew with each batch, and beside a long one.
LEASE = timedelta(seconds=90)
_NAME = "migrate"
_RUN = "tillgate migrate"


class Planned(Struct, frozen=True):
    """A migration as it stands: `done` is when and how it ran, `left` what it would change."""

    step: Step
    done: Migration | None
    left: Counts = field(default_factory=dict)


async def difference(database: Database) -> str | None:
    """Return in which way the database's layout is not this version's; None where it is.

    A database that holds nothing yet is of any version.
    """
    done = await _numbers(database)
    if not done:
        if await _is_new(database):
            return None
        done = await _numbers(database)  # another process may have begun with it meanwhile
    newer = _newer(done)
    if newer is not None:
        return newer
    missing = [str(step.number) for step in STEPS if step.number not in done]
    if not missing:
        return None
    return (
        f"The database has the layout of an older version: migration {', '.join(missing)} has not "
        f"run. Stop what still serves from it, then run: {_RUN}"
    )


async def _numbers(database: Database) -> set[int]:
    return {migration.id for migration in await repository.done_migrations(database)}


def _newer(done: Collection[int]) -> str | None:
    newest = STEPS[-1].number
    if max(done, default=0) <= newest:
        return None
    return (
        f"The database has the layout of a newer version: it is at migration {max(done)}, this "
        f"version knows {newest}. Run the newer version."
    )


async def _is_new(database: Database) -> bool:
    """Return whether nothing of an older version is there: no document, and no index of its own.

    An older version that was only started has left its indexes; they would stay for ever.
    """
    if not await repository.is_new(database):
        return False
    return not any([any((await step.left(database)).values()) for step in STEPS])


async def require_layout(database: Database, clock: Clock) -> None:
    """Refuse a database of another layout; one that is new is at the newest number from now on.

    Raises `LayoutDiffers` that says what to do.
    """
    found = await difference(database)
    if found is not None:
        raise LayoutDiffers(found)
    await begin_new(database, clock)


async def plan(database: Database, *, again: bool = False) -> list[Planned]:
    """Return what a run would do; `again`: also the steps that are done. Changes nothing.

    Raises `LayoutDiffers` for the layout of a newer version, as the run would.
    """
    done = {migration.id: migration for migration in await repository.done_migrations(database)}
    newer = _newer(done)
    if newer is not None:
        raise LayoutDiffers(newer)
    new = not done and await _is_new(database)
    return [
        Planned(
            step,
            done.get(step.number),
            {} if new or (step.number in done and not again) else await step.left(database),
        )
        for step in STEPS
    ]


async def bring_up_to_date(
    database: Database, documents: Sequence[type[StoredDocument]], clock: Clock, by: Principal
) -> tuple[list[Migration], list[Drift]]:
    """Migrate if there is anything to do, and make the indexes; for a database of one user.

    Raises `MigrationUnderway`, and `LayoutDiffers` for the layout of a newer version.
    """
    if await difference(database) is not None:
        return await migrate(database, documents, clock, by)
    await begin_new(database, clock)
    return [], await apply_indexes(database, documents)


async def migrate(
    database: Database,
    documents: Sequence[type[StoredDocument]],
    clock: Clock,
    by: Principal,
    *,
    again: bool = False,
) -> tuple[list[Migration], list[Drift]]:
    """Run what has not run, each step once and in its order, on the record; then make the indexes.

    Give the migrations that ran, and which indexes differ from their declarations. A run that was
    killed is gone on with by the next. `again` runs all of them: for documents that a pod of an
    older version has written since. Raises `MigrationUnderway` beside another run.
    """
    async with _leased(clock) as lease:
        found = await difference(database)
        if found is None:
            await begin_new(database, clock)
        done = await _numbers(database)
        newer = _newer(done)
        if newer is not None:
            raise LayoutDiffers(newer)
        steps = [step for step in STEPS if again or step.number not in done]
        ran = [await run_step(step, Run(database, lease), clock, by) for step in steps]
        return ran, await apply_indexes(database, documents)


@asynccontextmanager
async def _leased(clock: Clock) -> AsyncIterator[Held]:
    async with leased(_NAME, LEASE, clock) as lease:
        if lease is None:
            raise MigrationUnderway(
                "Another run migrates this database, or was killed less than "
                f"{LEASE.seconds} seconds ago. Run it again then."
            )
        try:
            async with kept(lease, asyncio.Event()):  # each batch finds out by itself
                yield lease
        except LeaseLost as error:
            raise MigrationUnderway("Another run has taken over; this one ends here.") from error
