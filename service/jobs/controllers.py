"""Jobs over HTTP, for a CronJob and for operators."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter, SkipValidation

from service.core.principal import AccessScope
from service.jobs.operations.job import Table
from service.jobs.operations.listing import list_jobs
from service.jobs.operations.run import run_job
from service.jobs.schemas import JobAnswer, JobsAnswer, RunJob, job_view, report_view
from service.web.authentication import CurrentPrincipal, requires

TheTable = NamedDependency[SkipValidation[Table]]
JobPath = Annotated[
    str, PathParameter(description="The job's name.", schema_extra={"examples": ["cleanup"]})
]
DryRun = Annotated[bool, QueryParameter(name="dryRun")]

_RUNS_SHOWN = 10


class NamedJobs(Controller):
    """The jobs, by name."""

    path = "/api/jobs"
    tags = ["Jobs"]
    opt = requires(AccessScope.JOBS_RUN, AccessScope.OPERATOR)

    @get("/", operation_id="listJobs", summary="List the jobs")
    async def jobs(self, job_table: TheTable) -> JobsAnswer:
        """All of them: when they are called, whether they are paused, their last ten runs."""
        listed = await list_jobs(job_table, runs=_RUNS_SHOWN)
        return JobsAnswer([job_view(job) for job in listed])

    @post("/{name:str}", status_code=200, operation_id="runJob", summary="Run a job")
    async def run(
        self,
        name: JobPath,
        job_table: TheTable,
        principal: CurrentPrincipal,
        data: JSONBody[RunJob | None] = None,
        dry_run: DryRun = False,
    ) -> JobAnswer:
        """What the job did, in a report of its own; with `dryRun` what it would do."""
        wants_dry_run = dry_run or (data is not None and data.dry_run)
        return report_view(await run_job(name, job_table, principal, dry_run=wants_dry_run))
