"""What goes over the wire about jobs."""

from msgspec import Struct

from service.core.views import view_of
from service.retention.operations.report import Report
from service.web.wire import WireModel


class RunJob(WireModel):
    """Runs a job; `dryRun` counts what it would do, and touches nothing."""

    dry_run: bool = False


class ReportAnswer(Struct, frozen=True, rename="camel"):
    """What a job did, or with `dryRun` what it would do."""

    job: str
    expired: int
    asked: int
    unresolved: int
    abandoned: int
    purged: int
    blocked: int
    blocked_long: int
    events_retried: int
    events_purged: int
    delivered: int
    on_older_peppers: int
    took_ms: int
    dry_run: bool
    skipped: bool


class PreviewAnswer(Struct, frozen=True, rename="camel"):
    """What the cleanup is, and what it would do now."""

    description: str
    due: ReportAnswer


def report_view(report: Report) -> ReportAnswer:
    """Show a report."""
    return view_of(ReportAnswer, report)
