"""List the jobs, how they stand, and their last runs."""

from datetime import datetime, timedelta

from msgspec import Struct

from service.jobs import repository
from service.jobs.documents import JobRun
from service.jobs.operations.job import About, Table
from service.jobs.operations.run import LEASE, RUN_FOR_S
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
            found = await repository.standing(job.about.name, runs)
            listed.append(Listed(job.about, found.paused_at, found.succeeded_at, found.runs))
    return listed


async def runs_of(name: str, table: Table, *, limit: int) -> tuple[JobRun, ...]:
    """Return the last runs of a job, the latest first. Raises `JobNotFound`, `Unavailable`."""
    table.named(name)
    async with answers_in_time():
        return (await repository.standing(name, limit)).runs


def done_in(run: JobRun) -> str:
    """Return the counts of a run that are not 0."""
    done = {name.replace("_", " "): count for name, count in run.figures.items() if count}
    return ", ".join(f"{count} {name}" for name, count in done.items()) or "nothing"


def is_under_way(run: JobRun, now: datetime) -> bool:
    """Return whether a run goes on, as far as can be told without its lease.

    One whose process died is listed as running until the next one begins.
    """
    return run.state == "running" and now - run.started_at < timedelta(seconds=RUN_FOR_S) + LEASE
