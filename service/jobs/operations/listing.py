"""List the jobs, how they stand, and their last runs."""

from datetime import datetime

from msgspec import Struct

from service.core.clock import Clock
from service.jobs import repository
from service.jobs.documents import JobRun
from service.jobs.operations.job import About, Table
from service.leases.repository import fence_of
from service.storage.answering import answers_in_time


class Listed(Struct, frozen=True):
    """A job as it stands: since when it is paused, and its last runs, the latest first.

    `succeeded_at` is when the last one ended that neither failed nor was lost.
    """

    about: About
    paused_at: datetime | None
    succeeded_at: datetime | None
    runs: tuple[JobRun, ...]


async def list_jobs(table: Table, *, runs: int = 1) -> list[Listed]:
    """Return all jobs with their last runs. Raises `Unavailable`."""
    listed = []
    async with answers_in_time():
        for job in table.jobs.values():
            standing = await repository.standing(job.about.name)
            found = await _last_runs(job.about.name, runs, table.clock)
            listed.append(Listed(job.about, standing.paused_at, standing.succeeded_at, found))
    return listed


async def runs_of(name: str, table: Table, *, limit: int) -> tuple[JobRun, ...]:
    """Return the last runs of a job, the latest first. Raises `JobNotFound`, `Unavailable`."""
    table.named(name)
    async with answers_in_time():
        return await _last_runs(name, limit, table.clock)


async def _last_runs(name: str, limit: int, clock: Clock) -> tuple[JobRun, ...]:
    """Return the last runs, the latest first; one whose process died is lost with its lease.

    Nobody has written that yet: the next run will. A run ends before its lease does, so one that
    goes on in a second look, but had no lease after the first, has nobody who could end it.
    """
    runs = await repository.last_runs(name, limit)
    under_way = [run for run in runs if run.state == "running"]
    if not under_way:
        return runs
    fence = await fence_of(name, clock)
    left = {run.id for run in under_way if run.fence != fence}
    if not left:
        return runs
    return tuple(
        run.model_copy(update={"state": "lost"})
        if run.id in left and run.state == "running"
        else run
        for run in await repository.last_runs(name, limit)
    )


def done_in(run: JobRun) -> str:
    """Return the counts of a run that are not 0: `expired: 2, events applied: 1`."""
    done = {name.replace("_", " "): count for name, count in run.figures.items() if count}
    return ", ".join(f"{name}: {count}" for name, count in done.items()) or "nothing"
