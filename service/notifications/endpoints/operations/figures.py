"""Tell how much waits for endpoints, and how many of them are disabled, for /metrics."""

from collections.abc import Sequence

from service.core.clock import Clock
from service.core.measures import Figure
from service.notifications.endpoints.repository import figures as repository
from service.notifications.endpoints.repository.figures import MOST_COUNTED
from service.storage.answering import answers_in_time

_STATES = {False: "new", True: "retrying"}


async def endpoint_figures(clock: Clock) -> Sequence[Figure]:
    """Return what waits to be sent, of all merchants, and the disabled endpoints.

    Raises `Unavailable`.
    """
    async with answers_in_time():
        waiting = {one.tried: one for one in await repository.waiting(clock)}
        disabled = await repository.count_disabled()
    counts: dict[tuple[str, ...], float] = {(name,): 0 for name in _STATES.values()}
    ages = dict(counts)
    for tried, one in waiting.items():
        counts[_STATES[tried],] = one.count
        ages[_STATES[tried],] = one.oldest_s
    return (
        Figure(
            "tillgate_webhook_deliveries_waiting",
            f"Events that wait for endpoints; {MOST_COUNTED} is that many or more",
            ("state",),
            counts,
        ),
        Figure(
            "tillgate_webhook_deliveries_oldest_seconds",
            "Age of the oldest of them",
            ("state",),
            ages,
        ),
        Figure(
            "tillgate_webhook_endpoints_disabled",
            "Webhook endpoints that are disabled, by the reason",
            ("reason",),
            {(reason,): count for reason, count in disabled.items()},
        ),
    )
