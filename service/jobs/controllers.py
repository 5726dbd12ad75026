"""Jobs over HTTP, for a CronJob."""

from typing import Annotated

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from service.core.principal import AccessScope
from service.jobs.operations.job import Table
from service.jobs.operations.run import run_job
from service.jobs.schemas import JobAnswer, RunJob, job_view
from service.web.authentication import CurrentPrincipal, requires

TheTable = NamedDependency[SkipValidation[Table]]
DryRun = Annotated[bool, QueryParameter(name="dryRun")]


class NamedJobs(Controller):
    """The jobs, by name."""

    path = "/api/jobs"
    tags = ["Jobs"]
    opt = requires(AccessScope.JOBS_RUN, AccessScope.OPERATOR)

    @post("/{name:str}", status_code=200, summary="Run a job")
    async def run(
        self,
        name: FromPath[str],
        job_table: TheTable,
        principal: CurrentPrincipal,
        data: JSONBody[RunJob | None] = None,
        dry_run: DryRun = False,
    ) -> JobAnswer:
        """What the job did, in a report of its own; with `dryRun` what it would do."""
        wants_dry_run = dry_run or (data is not None and data.dry_run)
        return job_view(await run_job(name, job_table, principal, dry_run=wants_dry_run))
