"""How figures stand; have them made anew, or answers that are kept be computed again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from service.analytics.operations.sweeping import WITHIN_S
from service.analytics.repository import facts, rollups, versions
from service.audit.operations import Act, record
from service.core.clock import Clock
from service.core.principal import Principal
from service.core.strict_json import JsonObject
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION, in_transaction
from service.storage.transaction import Transaction

_AT_ONCE: Final = 2_000


class Standing(Struct, frozen=True):
    """How a merchant's figures stand: when its rows were last read, and what is to be added up."""

    merchant_id: str
    read_at: datetime
    marked: int
    oldest_mark: datetime | None


class Status(Struct, frozen=True):
    """How figures stand: of each merchant, and how many facts and roll-ups there are."""

    merchants: Sequence[Standing]
    facts: int
    rollups: int


async def figures_status() -> Status:
    """Return how figures stand. Raises `Unavailable`."""
    async with answers_in_time(WITHIN_S):
        marks = await facts.marks_by_merchant()
        standing = [
            Standing(one.id, one.read_at, *marks.get(one.id, (0, None)))
            for one in await facts.states()
        ]
        return Status(standing, await facts.count(), await rollups.count())


async def begin_rebuild(since: datetime, until: datetime, by: Principal, clock: Clock) -> int:
    """Mark all quarter-hours of a time, and have all rows be read again; return how many.

    The job does the rest, and goes on where it was stopped; answers meanwhile are as they were.
    Raises `Unavailable`.
    """
    marked = 0
    async with answers_in_time(WITHIN_S):
        for merchant_id in [one.id for one in await facts.states()]:
            buckets = await facts.buckets_within(merchant_id, (since, until))
            for n in range(0, len(buckets), _AT_ONCE):
                some = {(merchant_id, at): 0 for at in buckets[n : n + _AT_ONCE]}
                await facts.mark(some, NO_TRANSACTION)
            marked += len(buckets)
        await facts.read_again()
        detail: JsonObject = {"from": since.isoformat(), "to": until.isoformat(), "buckets": marked}
        act = Act("figures.rebuilt", "figures", detail=detail)
        await record(NO_TRANSACTION, by, act, clock.now())
    return marked


async def clear_caches(by: Principal, clock: Clock) -> None:
    """Have every process compute its answers anew. Raises `Unavailable`."""

    async def work(tx: Transaction) -> None:
        await versions.note_cleared(clock.now(), tx)
        await record(tx, by, Act("figures.cache_cleared", "figures"), clock.now())

    await in_transaction(work)
