"""What a migration is, and what it is given."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from msgspec import Struct, field

from service.leases.operations import renew, under
from service.leases.repository import Held
from service.migrations import repository
from service.storage.database import Database, Row
from service.storage.transaction import Transaction

Counts: TypeAlias = dict[str, int]

BATCH = 200


class Run(Struct, frozen=True):
    """One run of a step. Its batches are written under the lease, if there is one."""

    database: Database
    lease: Held | None = None
    counts: Counts = field(default_factory=dict)

    def add(self, what: str, changed: int) -> None:
        """Count what was changed."""
        self.counts[what] = self.counts.get(what, 0) + changed

    async def breathe(self) -> None:
        """Hold the lease on; awaited after each batch. Raises `LeaseLost`."""
        if self.lease is not None:
            await renew(self.lease)

    async def update(self, collection: str, updates: Sequence[repository.Update]) -> int:
        """Apply updates, each to one document, all or none; return how many were changed.

        Raises `LeaseLost`, and what the driver raises.
        """

        async def work(tx: Transaction) -> int:
            return await repository.update_in(tx, self.database, collection, updates)

        return await under(self.lease, work, repository.WITHIN_S) if updates else 0

    async def insert_missing(self, collection: str, rows: Sequence[Row]) -> int:
        """Insert rows whose `_id` is not there yet, all or none; return how many.

        Raises `LeaseLost`, and what the driver raises.
        """

        async def work(tx: Transaction) -> int:
            return await repository.insert_missing_in(tx, self.database, collection, rows)

        return await under(self.lease, work, repository.WITHIN_S)


class Step(Struct, frozen=True):
    """A migration: `left` counts what it would change, `run` changes it."""

    number: int
    name: str
    left: Callable[[Database], Awaitable[Counts]]
    run: Callable[[Run], Awaitable[None]]
