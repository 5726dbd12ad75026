"""Delete old leads of a merchant, archived before where that is asked for."""

import time
from datetime import timedelta
from functools import partial

from service.core.batches import Until
from service.core.errors import Busy
from service.core.principal import Principal
from service.intents import repository
from service.intents.errors import wrong_field
from service.intents.operations.clear import clear
from service.intents.operations.orders import LEASE_NAME, Cleaned, Order
from service.intents.operations.services import IntentServices
from service.leases.operations import leased
from service.storage.answering import answers_in_time

_RUN_FOR_S = 25.0
_LEASE = timedelta(seconds=120)
_WITHIN_S = 30.0


async def clean_up(order: Order, by: Principal, services: IntentServices) -> Cleaned:
    """Delete a merchant's leads as ordered, on the record with each batch.

    What is not done within some seconds remains. Raises `InvalidInput` where nothing can be
    archived, `Busy` while the job or somebody else cleans up, and `Misconfigured`.
    """
    if order.archive and services.archive_dir is None:
        raise wrong_field("archiveBeforeDelete", "needs INTENT_ARCHIVE_DIR to be set")
    async with answers_in_time(_WITHIN_S):
        found = await repository.count_before(by.merchant_id, order.before)
    if order.dry_run or not found:
        return Cleaned(found)
    find = partial(repository.find_before, by.merchant_id, order.before)
    async with leased(LEASE_NAME, _LEASE, services.clock) as lease:
        if lease is None:
            raise Busy("Leads are being cleaned up already.", retry_after=30)
        until = Until(time.monotonic() + _RUN_FOR_S)
        sums = await clear(find, order, lease, until, services, by)
    return Cleaned(found, sums.deleted, sums.archived, sums.files)
