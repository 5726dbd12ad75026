"""How much is kept of leads, and what should be done about it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from msgspec import Struct

from service.intents import repository
from service.intents.operations.archive import Archive, look_at
from service.intents.operations.services import IntentServices
from service.intents.repository import Kept
from service.storage.answering import answers_in_time

MOST_COUNTED: Final = 1_000_000
"""Beyond it, what is counted is said to be that many."""

_WITHIN_S = 30.0
_LATE = timedelta(days=2)
_MANY_UNPARSED = 1000


class Health(Struct, frozen=True):
    """What is kept of a merchant; `due` were kept long enough, `unparsed` are of all merchants.

    It is healthy while the job deletes what is due within two days.
    """

    kept: Kept
    archive: Archive
    due: int
    late: int
    unparsed: int

    @property
    def healthy(self) -> bool:
        """Return whether what is due is being deleted."""
        return not self.late


async def health_of(merchant_id: str, services: IntentServices) -> Health:
    """Return how much is kept. Raises `Unavailable`."""
    before = services.clock.now() - services.keep_for
    async with answers_in_time(_WITHIN_S):
        kept = await repository.kept_of(merchant_id, MOST_COUNTED)
        due = await repository.count_before(merchant_id, before)
        late = await repository.count_before(merchant_id, before - _LATE)
        unparsed = await repository.count_unparsed()
    archive = await asyncio.to_thread(look_at, services.archive_dir)
    return Health(kept, archive, due, late, unparsed)


def recommendations(health: Health, services: IntentServices) -> Sequence[str]:
    """Return what should be done, in words; nothing where all is well."""
    days = services.keep_for.days
    found = []
    if health.due:
        found.append(f"{health.due} leads are older than {days} days: clean them up.")
    if health.late:
        found.append("The job intents-cleanup does not keep up: see `tillgate jobs list`.")
    if health.due and services.archive_dir is None:
        found.append("Set INTENT_ARCHIVE_DIR if they should be archived before.")
    if health.unparsed > _MANY_UNPARSED:
        found.append("The job intents-agents does not keep up: see `tillgate jobs list`.")
    if services.keep_addresses:
        found.append("INTENT_KEEP_ADDRESSES keeps addresses as they are: is there a reason to?")
    return found
