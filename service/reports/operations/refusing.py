"""See the months that can't be closed, for an alert."""

from collections.abc import Sequence
from datetime import datetime

from service.notifications.alerts.operations.condition import Sighting
from service.reports import repository
from service.storage.answering import answers_in_time


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
