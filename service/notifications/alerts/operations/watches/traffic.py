"""What all processes together counted: answers that failed, providers that fell silent."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from service.core.words import age
from service.notifications.alerts import repository
from service.notifications.alerts.operations.condition import Sighting
from service.providers.registry import REGISTRY
from service.storage.answering import answers_in_time

WINDOW = timedelta(minutes=10)
# One failure of few requests says nothing.
FEWEST_FAILED = 5
# A provider usually sends at a time if it did a week ago, and on most days since.
USUAL_LEAST = 5
USUAL_DAYS = 4
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


async def answers_failed(now: datetime, *, percent: float) -> Sequence[Sighting]:
    """See whether too many of the last ten minutes' answers were 5xx."""
    async with answers_in_time():
        found = await repository.traffic_between(now - WINDOW, now + _MINUTE)
    rate = 100 * found.failed / found.requests if found.requests else 0.0
    if found.failed < FEWEST_FAILED or rate <= percent:
        return ()
    return (
        Sighting(
            f"{found.failed} of {found.requests} answers of the last {age(WINDOW)} were 5xx "
            f"({rate:.1f} %, allowed are {percent:g} %): the log names each with its request id, "
            "`tillgate_request_seconds_count` of /metrics the routes."
        ),
    )


async def providers_silent(
    now: datetime, *, minutes: float, providers: Collection[str]
) -> Sequence[Sighting]:
    """See the providers that have sent nothing in a window in which they usually do.

    Usually: at least five webhooks in the same window a week ago, and in those of four of the six
    days since. So nights and weekends are no silence, and nothing is known in the first week.
    """
    window = timedelta(minutes=minutes)
    async with answers_in_time():
        until = now + _MINUTE
        last = await repository.traffic_between(until - window, until)
        silent = [name for name in providers if not last.webhooks.get(name)]
        if not silent:
            return ()
        before = [
            (await repository.traffic_between(until - ago - window, until - ago)).webhooks
            for ago in (_DAY * days for days in range(1, 8))
        ]
    *recent, a_week_ago = [{k for k, n in one.items() if n >= USUAL_LEAST} for one in before]
    return [
        _silent(name, window)
        for name in silent
        if name in a_week_ago and sum(name in day for day in recent) >= USUAL_DAYS
    ]


def _silent(name: str, window: timedelta) -> Sighting:
    return Sighting(
        f"{REGISTRY[name].traits.title} has sent no webhook for {age(window)}, and usually does at "
        "this time: look in its dashboard whether the webhook is enabled and what its last tries "
        f"were answered, and whether {'/api/webhooks/' + name} is reached from outside. "
        "`tillgate events rejected` shows what was not believed.",
        name,
    )
