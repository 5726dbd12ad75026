"""Keep the report of a month for good."""

from datetime import datetime

from service.audit.operations import Act, Actor, record
from service.core.ids import digest
from service.outbox import repository as outbox
from service.reports import repository
from service.reports.documents import ClosedReport
from service.reports.operations.building import canonical
from service.reports.operations.due import Due
from service.reports.operations.telling import closed
from service.reports.states import MonthlyReport
from service.storage.transaction import Transaction


async def keep(
    due: Due, made: MonthlyReport, now: datetime, by: Actor, tx: Transaction
) -> ClosedReport:
    """Keep a report that was closed, say so in the audit, and have it told."""
    content = canonical(made)
    report = ClosedReport(
        id=due.report_id,
        merchant_id=due.merchant.id,
        currency=due.currency,
        month=due.month,
        timezone=due.merchant.zone,
        begins_at=due.span[0],
        ends_at=due.span[1],
        content=content,
        hash=digest(content),
        closed_at=now,
    )
    await repository.insert(report, tx)
    act = Act("report.closed", f"report:{report.id}", detail={"hash": report.hash})
    await record(tx, by, act, now)
    await outbox.add_once([closed(report, made)], tx)
    return report
