"""Looking at conditions as the job does, and what came of it."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from service.core.principal import Kind, Principal
from service.jobs.operations.job import Table, by_name
from service.jobs.operations.listing import list_jobs
from service.jobs.operations.run import run_job
from service.notifications.alerts.operations.agree import agree
from service.notifications.alerts.operations.check import AlertReport
from service.notifications.alerts.operations.condition import Condition, Sighting
from service.notifications.alerts.operations.table import alert_jobs, conditions_of
from service.notifications.alerts.settings import AlertSettings
from service.notifications.endpoints.operations.browse import disabled_endpoints
from service.reports.operations.refusing import reports_refused
from service.storage.database import Row
from tests.support.shop import Shop

CRON = Principal(Kind.JOBS, "default", "0" * 12, "cron")
SEEN = Sighting("Something is wrong. Mend it.", "here", "shop-2")


class Lamp:
    """A condition that is as a test says, or can't be looked at."""

    def __init__(self) -> None:
        self.seen: Sequence[Sighting] = (SEEN,)
        self.fails = False

    async def look(self, _: datetime) -> Sequence[Sighting]:
        """Return what is seen."""
        if self.fails:
            raise RuntimeError("nobody can look")
        return self.seen


async def run_alerts(shop: Shop, *conditions: Condition, **how: Any) -> AlertReport:
    """Run the job on these conditions."""
    table = Table(by_name(alert_jobs(conditions, shop.clock)), shop.clock)
    report = await run_job("alerts", table, CRON, **how)
    assert isinstance(report, AlertReport)
    return report


async def watch(shop: Shop, lamp: Lamp) -> AlertReport:
    """Run the job on a lamp."""
    return await run_alerts(shop, Condition("lamp", lamp.look))


def condition_of(shop: Shop, rule: str, **limits: float | None) -> Condition:
    """Return one of the conditions of the service, with other thresholds where some are given."""
    settings = AlertSettings().model_copy(update=limits)
    container = shop.api.container
    found = container.conditions
    if limits:
        jobs = partial(list_jobs, container.job_table)
        names = tuple(container.providers)
        found = conditions_of(
            settings, shop.clock, names, jobs, disabled_endpoints, reports_refused
        )
    return next(one for one in found if one.rule == rule)


async def alerts(shop: Shop, **wanted: Any) -> list[Row]:
    """Return alerts as they are stored, the oldest first."""
    return await shop.database["alerts"].find(wanted).sort([("openedAt", 1), ("_id", 1)]).to_list()


async def told(shop: Shop) -> dict[str, int]:
    """Return how many messages of each kind were written."""
    found = {}
    for kind in ("opened", "repeated", "closed"):
        if messages := await shop.messages(f"alert.{kind}"):
            found[kind] = len(messages)
    return found


async def seen_at(shop: Shop, *seen: Sighting) -> None:
    """Make the alerts agree with what is seen now, under no lease."""
    await agree("lamp", seen, shop.clock.now(), None)
