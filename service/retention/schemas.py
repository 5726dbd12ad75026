"""What goes over the wire about jobs."""

from msgspec import Struct

from service.core.views import view_of
from service.retention.operations.report import CleanupReport


class ReportAnswer(Struct, frozen=True, rename="camel"):
    """What a cleanup did, or with `dryRun` what it would do."""

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
    took_ms: int
    dry_run: bool
    skipped: bool
    paused: bool


class PreviewAnswer(Struct, frozen=True, rename="camel"):
    """What the cleanup is, and what it would do now."""

    description: str
    due: ReportAnswer


def report_view(report: CleanupReport) -> ReportAnswer:
    """Show a report."""
    return view_of(ReportAnswer, report)
