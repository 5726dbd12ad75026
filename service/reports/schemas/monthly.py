"""What goes over the wire about months."""

from datetime import datetime

import msgspec
from msgspec import Struct

from service.analytics.operations.services import Shown
from service.analytics.schemas.common import FiguresAnswer
from service.core.json_text import to_json
from service.core.views import view_of
from service.reports.documents import ClosedReport
from service.reports.states import MonthlyReport


class MonthlyAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """A month of a merchant: as it was closed, or as it stands now.

    `hash` is the SHA-256 of a closed `report`, written as RFC 8785 has it; null while it is open.
    `refused` says why a month that is over can't be closed.
    """

    hash: str | None = None
    refused: str | None = None
    report: MonthlyReport


class ReportView(Struct, frozen=True, rename="camel"):
    """A month that was closed; `hash` is that of its report."""

    month: str
    currency: str
    timezone: str
    begins_at: datetime
    ends_at: datetime
    closed_at: datetime
    hash: str


class ReportsAnswer(Struct, frozen=True, rename="camel"):
    """A page of closed months, the last closed first."""

    reports: list[ReportView]
    next_cursor: str | None


def report_view(report: ClosedReport) -> ReportView:
    """Show a closed month in a list."""
    return view_of(ReportView, report)


class _Closed(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    hash: str
    refused: None = None
    report: msgspec.Raw


def monthly_answer(shown: Shown, report: MonthlyReport, refused: str | None) -> MonthlyAnswer:
    """Show a month as it stands now."""
    return view_of(MonthlyAnswer, shown, report=report, refused=refused)


def closed_answer(report: ClosedReport) -> MonthlyAnswer:
    """Show a month as it was closed, for a page or a table."""
    return MonthlyAnswer(
        currency=report.currency,
        timezone=report.timezone,
        as_of=report.closed_at,
        hash=report.hash,
        report=msgspec.json.decode(report.content, type=MonthlyReport),
    )


def closed_body(report: ClosedReport) -> bytes:
    """Return the answer about a closed month: the report in it is what was stored, to the byte."""
    return to_json(
        _Closed(
            currency=report.currency,
            timezone=report.timezone,
            as_of=report.closed_at,
            hash=report.hash,
            report=msgspec.Raw(report.content.encode()),
        )
    )
