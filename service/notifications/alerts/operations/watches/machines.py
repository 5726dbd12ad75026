"""How the database fares, and whether the jobs are run."""

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from service.core.errors import Unavailable
from service.core.principal import DEFAULT_MERCHANT
from service.core.words import age
from service.jobs.operations.listing import Listed
from service.jobs.operations.telling import called, trouble
from service.merchants import repository as merchants
from service.notifications.alerts import repository
from service.notifications.alerts.operations.condition import Sighting
from service.notifications.alerts.operations.watches.traffic import WINDOW
from service.storage.answering import answers_in_time

# One of them is a failover's; several are no accident.
MOST_UNANSWERED = 10
# A run may be skipped, or slow.
_MISSED = 3
_MINUTE = timedelta(minutes=1)


async def storage_full(_: datetime, *, percent: float) -> Sequence[Sighting]:
    """See whether the database's disk is fuller than allowed; some services don't tell."""
    async with answers_in_time():
        disk = await repository.disk()
    if disk is None:
        return ()
    full = 100 * disk.used / disk.total
    if full <= percent:
        return ()
    gigabytes = (disk.total - disk.used) / 10**9
    return (
        Sighting(
            f"The disk of the database is {full:.1f} % full, {gigabytes:.1f} GB are left: a full "
            "one takes no payments. Make it larger; `tillgate_stored_bytes` of /metrics says which "
            "collection grows."
        ),
    )


async def database_slow(now: datetime, *, seconds: float) -> Sequence[Sighting]:
    """See whether a write of our own takes too long, or calls of the last minutes got no answer."""
    began = time.perf_counter()
    try:
        async with answers_in_time(2 * seconds):
            await repository.write_probe(now)
        took = time.perf_counter() - began
    except Unavailable:
        took = 2 * seconds
    async with answers_in_time():
        found = await repository.traffic_between(now - WINDOW, now + _MINUTE)
    if took < seconds and found.unanswered < MOST_UNANSWERED:
        return ()
    return (
        Sighting(
            f"A write took the database {took:.1f} s, and {found.unanswered} calls of the last "
            f"{age(WINDOW)} got no answer from it in time: look at its load, its disk and the lag "
            "of its secondaries; a write waits for a majority of them."
        ),
    )


async def jobs_late(
    now: datetime, *, listed: Callable[[], Awaitable[Sequence[Listed]]]
) -> Sequence[Sighting]:
    """See the jobs that have not succeeded for three times as long as they should have.

    One that never has, counts from the first start on this database. Paused ones are a person's.
    """
    async with answers_in_time():
        operator = await merchants.find(DEFAULT_MERCHANT)
    begun = operator.created_at if operator is not None else now
    return [
        Sighting(_late(one, now), one.about.name)
        for one in await listed()
        if one.about.every is not None
        and one.paused_at is None
        and now - (one.succeeded_at or begun) > _MISSED * one.about.every
    ]


def _late(listed: Listed, now: datetime) -> str:
    since = f"for {age(now - listed.succeeded_at)}" if listed.succeeded_at else "yet"
    why = trouble(listed, now) or f"It is to be called {called(listed.about)}."
    return f"The job {listed.about.name} has not succeeded {since}. {why}"
