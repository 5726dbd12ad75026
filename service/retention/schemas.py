"""What goes over the wire about jobs."""

from msgspec import Struct

from service.retention.operations import Report
from service.web.wire import WireModel


class RunJob(WireModel):
    """Runs a job; `dryRun` counts what it would do, and touches nothing."""

    dry_run: bool = False


class ReportAnswer(Struct, frozen=True, rename="camel"):
    """What a job did, or with `dryRun` what it would do."""

    job: str
    expired: int
    purged: int
    events_retried: int
    events_purged: int
    delivered: int
    took_ms: int
    dry_run: bool
    skipped: bool


class PreviewAnswer(Struct, frozen=True, rename="camel"):
    """What the cleanup is, and what it would do now."""

    description: str
    due: ReportAnswer


def report_view(report: Report) -> ReportAnswer:
    """Show a report."""
    return ReportAnswer(
        job=report.job,
        expired=report.expired,
        purged=report.purged,
        events_retried=report.events_retried,
        events_purged=report.events_purged,
        delivered=report.delivered,
        took_ms=report.took_ms,
        dry_run=report.dry_run,
        skipped=report.skipped,
    )
