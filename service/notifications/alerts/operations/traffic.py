"""Write down by the minute what this process counts anyway, for all of them to be added up."""

from collections.abc import Mapping

from service.core.clock import Clock
from service.core.measures import DATABASE, REQUESTS, webhook_counts
from service.notifications.alerts import repository
from service.notifications.alerts.repository import Traffic
from service.storage.answering import answers_in_time

EVERY_S = 60.0

# Probes and scrapes: what they are told of a database that is away is no caller's trouble.
_OUR_OWN = ("/health", "/metrics")
_FAILED = 500


class Meter:
    """What was counted since it was written last; what can't be written is written later.

    A process that is killed loses its last minute. A write that was done, but of which nobody could
    tell, is counted twice.
    """

    def __init__(self) -> None:
        """Begin with what was counted before by this process, which is not written."""
        self._written = _counted()

    async def write(self, clock: Clock) -> None:
        """Add what is new to the present minute. Raises `Unavailable`."""
        counted = _counted()
        new = _since(self._written, counted)
        if new == Traffic():
            return
        async with answers_in_time():
            await repository.add_traffic(new, await repository.database_now(clock))
        self._written = counted


def _counted() -> Traffic:
    requests = failed = 0
    for (_, route, status), count in REQUESTS.counts().items():
        if not str(route).startswith(_OUR_OWN):
            requests += count
            failed += count if int(status) >= _FAILED else 0
    unanswered = DATABASE.counts().get(("unavailable",), 0)
    return Traffic(requests, failed, unanswered, webhook_counts())


def _since(before: Traffic, now: Traffic) -> Traffic:
    return Traffic(
        requests=now.requests - before.requests,
        failed=now.failed - before.failed,
        unanswered=now.unanswered - before.unanswered,
        webhooks=_grown(before.webhooks, now.webhooks),
    )


def _grown(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    grown = {name: count - before.get(name, 0) for name, count in now.items()}
    return {name: count for name, count in grown.items() if count}
