"""Delete what was kept long enough, of all merchants: a job."""

from functools import partial

from service.intents import repository
from service.intents.operations.clear import clear
from service.intents.operations.orders import CleanupReport, Order
from service.intents.operations.services import IntentServices
from service.jobs.operations.job import Turn
from service.storage.answering import answers_in_time

_WITHIN_S = 30.0


async def purge(services: IntentServices, report: CleanupReport, turn: Turn) -> None:
    """Delete the leads of all merchants that were kept long enough, archived where that is set."""
    now = services.clock.now()
    order = Order(now, dry_run=False, archive=services.archive_dir is not None, compress=True)
    find = partial(repository.find_purgeable, now)
    sums = await clear(find, order, turn.lease, turn.until, services)
    report.deleted, report.archived = sums.deleted, sums.archived


async def count_due(services: IntentServices, report: CleanupReport, turn: Turn) -> None:
    """Count the leads that were kept long enough."""
    async with answers_in_time(_WITHIN_S):
        report.deleted = await repository.count_purgeable(services.clock.now())
