"""List alerts, and count the open ones."""

from collections.abc import Sequence

from service.core.measures import Figure
from service.core.paging import Cursor
from service.notifications.alerts import repository
from service.notifications.alerts.documents import Alert
from service.notifications.alerts.operations.condition import Condition
from service.notifications.alerts.states import AlertStatus
from service.storage.answering import answers_in_time


async def list_alerts(
    merchant_id: str | None, status: AlertStatus | None, *, cursor: Cursor | None, limit: int
) -> tuple[list[Alert], Cursor | None]:
    """List alerts of a merchant or, for None, of all, newest first. Raises `Unavailable`."""
    async with answers_in_time():
        return await repository.page(merchant_id, status, cursor=cursor, limit=limit)


async def open_alerts(merchant_id: str | None, limit: int) -> list[Alert]:
    """Return the open alerts of a merchant or, for None, of all, the newest first.

    Raises `Unavailable`.
    """
    async with answers_in_time():
        return await repository.all_open(merchant_id, limit)


async def alert_figures(conditions: Sequence[Condition]) -> Sequence[Figure]:
    """Return how many alerts of each rule are open. Raises `Unavailable`."""
    async with answers_in_time():
        counts = await repository.count_open()
    rules = dict.fromkeys((one.rule for one in conditions), 0) | counts
    return (
        Figure(
            "tillgate_alerts_open",
            "Open alerts by rule",
            ("rule",),
            {(rule,): count for rule, count in rules.items()},
        ),
    )
