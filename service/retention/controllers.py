"""Jobs over HTTP, for a CronJob."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from service.core.principal import AccessScope
from service.retention.operations.report import Jobs
from service.retention.operations.run import preview, run_job
from service.retention.schemas import PreviewAnswer, ReportAnswer, RunJob, report_view
from service.web.authentication import CurrentPrincipal, requires

TheJobs = NamedDependency[SkipValidation[Jobs]]
DryRun = Annotated[bool, QueryParameter(name="dryRun")]

_DESCRIPTION = (
    "POST here asks the providers about overdue payments, expires pending sessions past their "
    "time, retries waiting events, delivers the outbox, and deletes what was kept long enough and "
    "what nothing needs. Two calls at once do the work once."
)


class Cleanup(Controller):
    """Expiring and purging."""

    path = "/api/cleanup-sessions"
    tags = ["Jobs"]
    opt = requires(AccessScope.JOBS_RUN, AccessScope.OPERATOR)

    @post("/", status_code=200, summary="Expire and purge")
    async def run(
        self,
        jobs: TheJobs,
        principal: CurrentPrincipal,
        data: JSONBody[RunJob | None] = None,
        dry_run: DryRun = False,
    ) -> ReportAnswer:
        """What was done; with `dryRun`, in the body or the query, what would be."""
        wants_dry_run = dry_run or (data is not None and data.dry_run)
        return report_view(await run_job("cleanup", jobs, principal, dry_run=wants_dry_run))

    @get("/", summary="Describe the cleanup")
    async def describe(self, jobs: TheJobs) -> PreviewAnswer:
        """What it is, and what it would do now."""
        return PreviewAnswer(_DESCRIPTION, report_view(await preview(jobs)))


class NamedJobs(Controller):
    """The other jobs, by name."""

    path = "/api/jobs"
    tags = ["Jobs"]
    opt = requires(AccessScope.JOBS_RUN, AccessScope.OPERATOR)

    @post("/{name:str}", status_code=200, summary="Run a job")
    async def run(
        self,
        name: FromPath[str],
        jobs: TheJobs,
        principal: CurrentPrincipal,
        data: JSONBody[RunJob | None] = None,
        dry_run: DryRun = False,
    ) -> ReportAnswer:
        """The same lease and the same report as the cleanup."""
        wants_dry_run = dry_run or (data is not None and data.dry_run)
        return report_view(await run_job(name, jobs, principal, dry_run=wants_dry_run))
