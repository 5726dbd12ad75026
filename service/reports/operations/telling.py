"""The messages by which people and programs hear that a month was closed, or a week is over."""

from datetime import date, datetime
from typing import Final

from service.analytics.repository.facts import Span
from service.core.strict_json import JsonObject, JsonValue
from service.merchants.documents import Merchant
from service.outbox.operations.messages import message
from service.reports.documents import ClosedReport
from service.reports.states import MonthlyReport
from service.storage.database import Row

CLOSED: Final = "report.closed"
WEEK_ENDED: Final = "report.week_ended"


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


def week_id(merchant_id: str, first: date) -> str:
    """Return the id of the message about a week: there is never a second."""
    return f"{WEEK_ENDED}:{_week(merchant_id, first)}"


def week_ended(
    merchant: Merchant, first: date, span: Span, rows: list[JsonValue], now: datetime
) -> Row:
    """Say what a week came to by now; there is a row for each currency with anything in it."""
    payload: JsonObject = {
        "week": first.isoformat(),
        "timezone": merchant.zone,
        "start": span[0].isoformat(),
        "end": span[1].isoformat(),
        "currencies": rows,
    }
    return message(
        WEEK_ENDED,
        _week(merchant.id, first),
        merchant_id=merchant.id,
        session_id="",
        payload=payload,
        now=now,
    )


def _week(merchant_id: str, first: date) -> str:
    return f"{merchant_id}:{first}"
