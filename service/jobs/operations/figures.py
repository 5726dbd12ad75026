"""What the jobs tell those who operate the service."""

from collections.abc import Sequence

from service.core.measures import Figure
from service.jobs import repository
from service.jobs.operations.job import Table
from service.storage.answering import answers_in_time


async def job_figures(table: Table) -> Sequence[Figure]:
    """Return when each job last did its work, whoever ran it, and which are paused.

    A job with a schedule that never did has the time 0, so that an alert on its age tells of it;
    one that is run by hand has none then. Raises `Unavailable`.
    """
    async with answers_in_time():
        states = {state.id: state for state in await repository.states()}
    known = {name: states[name] for name in table.jobs if name in states}
    succeeded = {name: 0.0 for name, job in table.jobs.items() if job.about.every is not None}
    for name, one in known.items():
        if one.succeeded_at is not None:
            succeeded[name] = one.succeeded_at.timestamp()
    paused = {name for name, one in known.items() if one.paused_at is not None}
    return (
        Figure(
            "tillgate_job_succeeded_timestamp_seconds",
            "When a job last ended its run without an error; 0 where one with a schedule never did",
            ("job",),
            {(name,): at for name, at in succeeded.items()},
        ),
        Figure(
            "tillgate_job_paused",
            "Whether a job is paused: 1, else 0",
            ("job",),
            {(name,): float(name in paused) for name in table.jobs},
        ),
    )
