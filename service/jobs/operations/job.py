"""What a job is, what it is given for a run, and the table of all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from service.core.batches import Until
from service.core.clock import Clock
from service.core.strict_json import JsonObject
from service.jobs import repository
from service.jobs.errors import JobNotFound
from service.leases.operations import under
from service.leases.repository import Held
from service.storage.transaction import Transaction

_HOUR = timedelta(hours=1)


class Report:
    """What a run did: each room's own adds its counts, which are the attributes besides these.

    `skipped`: another run of it was under way, or it is `paused`, so this one did nothing.
    """

    changes: ClassVar[frozenset[str]] = frozenset()
    """Which of the counts tell of something that was changed."""

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        self.job = job
        self.took_ms = 0
        self.dry_run = dry_run
        self.skipped = False
        self.paused = False

    def figures(self) -> dict[str, int]:
        """Return the counts by their names."""
        return {name: count for name, count in vars(self).items() if name not in _COMMON}


_COMMON = frozenset({"job", "took_ms", "dry_run", "skipped", "paused"})
R = TypeVar("R", bound=Report)


class Turn(Struct, frozen=True):
    """What a run is given: until when it may work, the lease that it writes under, where to begin.

    A dry run has no lease, and writes nothing. `reached` is what the run before kept, None where
    it came to the end.
    """

    until: Until
    lease: Held | None = None
    reached: JsonObject | None = None

    async def keep(self, point: JsonObject | None) -> None:
        """Keep where the next run begins; None: at the beginning. Raises `LeaseLost`."""
        if self.lease is None:
            return
        name = self.lease.name

        async def work(tx: Transaction) -> None:
            await repository.reach(name, point, tx)

        await under(self.lease, work)


class About(Struct, frozen=True):
    """What everybody may know of a job. `every` is None where nobody calls it by the clock."""

    name: str
    does: str
    every: timedelta | None = None
    path: str = ""
    """The route that runs it, where it has one of its own."""

    @property
    def route(self) -> str:
        """Return the path that a CronJob posts to."""
        return self.path or f"/api/jobs/{self.name}"

    @property
    def cron(self) -> str:
        """Return the schedule in cron's words. Raises `ValueError` for one that it can't say."""
        minutes, rest = divmod(self.every or timedelta(), timedelta(minutes=1))
        if not rest and 0 < minutes < 60 and 60 % minutes == 0:
            return f"*/{minutes} * * * *"
        hours, rest = divmod(self.every or timedelta(), _HOUR)
        if not rest and 0 < hours <= 24 and 24 % hours == 0:
            return f"0 */{hours} * * *" if hours < 24 else "0 0 * * *"
        raise ValueError(f"{self.name}: cron can't say every {self.every}; take a part of a day.")


class Job(Struct, Generic[R], frozen=True):
    """A job: `work` does it, `count` tells what it would do, both in the report of the job's own.

    Both are plain functions that have what they need by the wiring.
    """

    about: About
    report: type[R]
    work: Callable[[R, Turn], Awaitable[None]]
    count: Callable[[R, Turn], Awaitable[None]]


class Table(Struct, frozen=True):
    """All jobs, by name. `stopping` is set when the process ends: nothing new is begun then.

    `under_way` are the runs that were begun here and that nobody waits for.
    """

    jobs: Mapping[str, Job[Report]]
    clock: Clock
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: set[asyncio.Task[None]] = field(default_factory=set)

    def named(self, name: str) -> Job[Report]:
        """Return a job. Raises `JobNotFound`."""
        found = self.jobs.get(name)
        if found is None:
            known = ", ".join(sorted(self.jobs))
            raise JobNotFound(f"There is no job {name!r}; there are {known}.")
        return found

    def joined_by(self, jobs: "Sequence[Job[Any]]") -> "Table":
        """Return a table that has further jobs, and ends with this one."""
        return replace(self, jobs=by_name((*self.jobs.values(), *jobs)))


def by_name(jobs: Sequence[Job[Report]]) -> Mapping[str, Job[Report]]:
    """Return jobs by their names. Raises `ValueError` where two have one."""
    table = {job.about.name: job for job in jobs}
    if len(table) < len(jobs):
        raise ValueError(f"Two jobs have one name: {[job.about.name for job in jobs]}.")
    return table
