"""The conditions of this service, and the job that looks at them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from service.core.clock import Clock
from service.jobs.operations.job import About, Job
from service.jobs.operations.listing import Listed
from service.notifications.alerts.operations.check import AlertReport, check_conditions
from service.notifications.alerts.operations.condition import Condition, Look, Sighting
from service.notifications.alerts.operations.watches.archives import archive_full
from service.notifications.alerts.operations.watches.endpoints import (
    Endpoint,
    endpoints_disabled,
)
from service.notifications.alerts.operations.watches.machines import (
    database_slow,
    jobs_late,
    storage_full,
)
from service.notifications.alerts.operations.watches.queues import (
    dead_deliveries,
    dead_events,
    messages_wait,
    refunds_wait,
    reviews_wait,
    rows_kept,
)
from service.notifications.alerts.operations.watches.traffic import answers_failed, providers_silent
from service.notifications.alerts.settings import AlertSettings

ALERTS = About(
    "alerts",
    "looks at the conditions of which a person must hear, opens and closes alerts",
    every=timedelta(minutes=1),
)
ABOUT: Sequence[About] = (ALERTS,)


def conditions_of(
    settings: AlertSettings,
    clock: Clock,
    providers: Sequence[str],
    listed: Callable[[], Awaitable[Sequence[Listed]]],
    disabled: Callable[[], Awaitable[Sequence[Endpoint]]],
    refused: Look,
) -> tuple[Condition, ...]:
    """Return the conditions that are known here.

    `listed` returns the other jobs as they stand, `disabled` the endpoints that are not sent to;
    `refused` sees the months that can't be closed.

    One whose threshold is `null` sees nothing, so an alert of it that is open closes.
    """
    silent = partial(providers_silent, providers=providers)
    looks: Mapping[str, Look] = {
        "reviews_wait": _limited(reviews_wait, minutes=settings.review_minutes),
        "events_dead": dead_events,
        "deliveries_dead": dead_deliveries,
        "messages_wait": _limited(
            partial(messages_wait, clock=clock), minutes=settings.waiting_minutes
        ),
        "refunds_wait": refunds_wait,
        "rows_kept": rows_kept,
        "jobs_late": partial(jobs_late, listed=listed),
        "endpoint_disabled": partial(endpoints_disabled, disabled=disabled),
        "report_refused": refused,
        "provider_silent": _limited(silent, minutes=settings.provider_silent_minutes),
        "answers_failed": _limited(answers_failed, percent=settings.error_percent),
        "storage_full": _limited(storage_full, percent=settings.storage_percent),
        "database_slow": _limited(database_slow, seconds=settings.database_seconds),
    }
    return tuple(Condition(rule, look) for rule, look in looks.items())


def archive_condition(settings: AlertSettings, directory: Path | None) -> Condition:
    """Return the condition of the directory into which leads are archived."""
    look = partial(archive_full, directory=directory)
    return Condition("archive_full", _limited(look, files=settings.archive_files))


def alert_jobs(conditions: Sequence[Condition], clock: Clock) -> Sequence[Job[Any]]:
    """Return the job of this room, with what it needs."""
    work = partial(check_conditions, conditions, clock)
    return (Job(ALERTS, AlertReport, work, work),)


def _limited(look: Callable[..., Awaitable[Sequence[Sighting]]], **limit: float | None) -> Look:
    return _off if None in limit.values() else partial(look, **limit)


async def _off(_: object) -> Sequence[Sighting]:
    return ()
