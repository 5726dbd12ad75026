"""Months as the page of reports lists them. Pure."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from service.core.money import exponent, to_major
from service.core.words import moment
from service.dashboard.money import Standing, facts, standing
from service.reports.documents import ClosedReport
from service.reports.operations.open_months import OpenMonth
from service.reports.operations.verifying import fault_of
from service.reports.states import Told


class ReportLine(Struct, frozen=True):
    """A month: what it is called, how it stands, what is known of it, and where it is."""

    title: str
    status: Standing
    more: list[tuple[str, str]]
    adjusted: list[tuple[str, str]]
    query: str


def closed_line(report: ClosedReport) -> ReportLine:
    """Return the line of a closed month; of one that was altered, what tells so."""
    title, query = f"{report.month}, {report.currency}", _query(report.month, report.currency)
    if (fault := fault_of(report)) is not None:
        said = [("Wrong", fault), ("Hash", report.hash)]
        return ReportLine(title, standing("altered", "bad"), said, [], "")
    told = msgspec.json.decode(report.content, type=Told)
    summary, places = told.summary, exponent(report.currency)
    return ReportLine(
        title=title,
        status=standing("closed", "good"),
        more=facts(
            [
                ("Revenue", f"{to_major(summary.total_revenue, places)} {report.currency}"),
                ("Net", f"{to_major(summary.net_revenue, places)} {report.currency}"),
                ("Payments", summary.successful_transactions),
                ("Failed", summary.failed_transactions),
                ("Closed", moment(report.closed_at)),
                ("Hash", report.hash),
            ]
        ),
        adjusted=[
            (one.month, f"{to_major(one.net_revenue, places)} {report.currency} net")
            for one in told.adjustments
        ],
        query=query,
    )


def open_line(one: OpenMonth) -> ReportLine:
    """Return the line of a month that is not closed."""
    refused = standing("can't be closed", "bad")
    said: Sequence[tuple[str, object]] = [
        ("Closes", moment(one.closes_at) if one.closes_at else "after the one before"),
        ("Why not", one.refused),
    ]
    return ReportLine(
        title=f"{one.month}, {one.currency}",
        status=refused if one.refused else standing("open", "info"),
        more=facts(said),
        adjusted=[],
        query=_query(one.month, one.currency),
    )


def _query(month: str, currency: str) -> str:
    return f"month={month}&currency={currency}"
