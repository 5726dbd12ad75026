"""Keep which months can't be closed, and see them, for an alert."""

from collections.abc import Sequence
from datetime import datetime

from service.notifications.alerts.operations.condition import Sighting
from service.reports import repository
from service.reports.documents import Refusal
from service.reports.operations.due import Due
from service.storage.answering import answers_in_time
from service.storage.transaction import Transaction


async def reports_refused(_: datetime) -> Sequence[Sighting]:
    """See each month that is over and can't be closed. Raises `Unavailable`."""
    async with answers_in_time():
        found = await repository.refusals()
    return [
        Sighting(
            f"The report of {one.month} in {one.currency} can't be closed: {one.reason}",
            f"{one.currency}:{one.month}",
            one.merchant_id,
        )
        for one in found
    ]


async def refuse(due: Due, reason: str, now: datetime, tx: Transaction) -> str:
    """Keep why a month can't be closed, and return it."""
    refusal = Refusal(
        id=due.report_id,
        merchant_id=due.merchant.id,
        currency=due.currency,
        month=due.month,
        reason=reason,
        since=now,
        seen_at=now,
    )
    await repository.refuse(refusal, tx)
    return reason
