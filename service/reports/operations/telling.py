"""The message by which people and programs hear that a month was closed."""

from typing import Final

from service.core.strict_json import JsonObject
from service.outbox.operations.messages import message
from service.reports.documents import ClosedReport
from service.reports.states import MonthlyReport
from service.storage.database import Row

CLOSED: Final = "report.closed"


def closed(report: ClosedReport, made: MonthlyReport) -> Row:
    """Say that a month was closed, and what it came to."""
    summary = made.summary
    payload: JsonObject = {
        "reportId": report.id,
        "month": report.month,
        "currency": report.currency,
        "timezone": report.timezone,
        "start": report.begins_at.isoformat(),
        "end": report.ends_at.isoformat(),
        "closedAt": report.closed_at.isoformat(),
        "hash": report.hash,
        "revenue": summary.total_revenue,
        "refunded": summary.refunded,
        "lost": summary.lost,
        "netRevenue": summary.net_revenue,
        "transactions": summary.total_transactions,
        "successful": summary.successful_transactions,
        "failed": summary.failed_transactions,
        "adjustments": len(made.adjustments),
        "adjusted": sum(one.net_revenue for one in made.adjustments),
    }
    return message(
        CLOSED,
        report.id,
        merchant_id=report.merchant_id,
        session_id="",
        payload=payload,
        now=report.closed_at,
    )
