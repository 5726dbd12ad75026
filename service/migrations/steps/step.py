"""What a migration is, and what it is given."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from msgspec import Struct, field

from service.storage.database import Database

Counts: TypeAlias = dict[str, int]

BATCH = 200


async def _never_lost() -> None:
    return


class Run(Struct, frozen=True):
    """One run of a step.

    `breathe` is awaited after each batch: it keeps the lease, and raises where it was lost.
    """

    database: Database
    breathe: Callable[[], Awaitable[None]] = _never_lost
    counts: Counts = field(default_factory=dict)

    def add(self, what: str, changed: int) -> None:
        """Count what was changed."""
        self.counts[what] = self.counts.get(what, 0) + changed


class Step(Struct, frozen=True):
    """A migration: `left` counts what it would change, `run` changes it."""

    number: int
    name: str
    left: Callable[[Database], Awaitable[Counts]]
    run: Callable[[Run], Awaitable[None]]
