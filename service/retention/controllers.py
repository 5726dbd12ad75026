"""The cleanup over HTTP, for a CronJob."""

from typing import Annotated, cast

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter, SkipValidation

from service.core.principal import AccessScope
from service.jobs.operations.job import Table
from service.jobs.operations.run import run_job
from service.jobs.schemas import RunJob
from service.retention.operations.report import CleanupReport
from service.retention.schemas import PreviewAnswer, ReportAnswer, report_view
from service.web.authentication import CurrentPrincipal, requires

TheTable = NamedDependency[SkipValidation[Table]]
DryRun = Annotated[bool, QueryParameter(name="dryRun")]

_NAME = "cleanup"
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

    @post("/", status_code=200, operation_id="runCleanup", summary="Expire and purge")
    async def run(
        self,
        job_table: TheTable,
        principal: CurrentPrincipal,
        data: JSONBody[RunJob | None] = None,
        dry_run: DryRun = False,
    ) -> ReportAnswer:
        """What was done; with `dryRun`, in the body or the query, what would be."""
        wants_dry_run = dry_run or (data is not None and data.dry_run)
        report = await run_job(_NAME, job_table, principal, dry_run=wants_dry_run)
        return report_view(cast(CleanupReport, report))

    @get("/", operation_id="describeCleanup", summary="Describe the cleanup")
    async def describe(self, job_table: TheTable, principal: CurrentPrincipal) -> PreviewAnswer:
        """What it is, and what it would do now."""
        report = await run_job(_NAME, job_table, principal, dry_run=True)
        return PreviewAnswer(_DESCRIPTION, report_view(cast(CleanupReport, report)))
