"""Read figures: clean quarter-hours from roll-ups, all others from facts, as of one moment."""

from collections.abc import Collection, Sequence
from typing import Final

from msgspec import Struct, structs

from service.analytics.operations.added_up import coarse_of
from service.analytics.operations.folding import Bucket
from service.analytics.operations.joining import Shown
from service.analytics.operations.keeping import unread_of
from service.analytics.operations.unread import Unread
from service.analytics.operations.within import Reading, buckets_within
from service.analytics.repository.facts import Span
from service.analytics.states import Grain, Part
from service.storage.database import Row
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

_WITHIN_S: Final = 20.0


class Asked(Struct, frozen=True):
    """What is read: a merchant's figures of some times, with some parts; None: all currencies.

    Then those of further times without any part, of which only totals are wanted: decoding parts
    is most of what a long time costs.
    Times are exact: a quarter-hour that one begins or ends in is added up from facts. Where hours,
    days or months of a zone are told apart at least, or no times at all (months), buckets may be as
    long as these; what is not the total of an hour stands beside the first one of its day, or of
    its month where only hours of the day are told apart.
    """

    merchant_id: str
    spans: Sequence[Span]
    currency: str | None = None
    parts: Collection[Part] = ()
    grain: Grain = Grain.QUARTER
    zone: str | None = None
    totals_of: Sequence[Span] = ()


class Found(Struct, frozen=True):
    """The buckets of each time, and all currencies that the merchant has anything in."""

    buckets: Sequence[Sequence[Bucket]]
    currencies: frozenset[str]


async def read(asked: Asked) -> Found:
    """Return the buckets of each time, all as of one moment. Raises `Unavailable`."""
    async with unread_of(asked.merchant_id) as unread:

        async def work(tx: Transaction) -> Found:
            await unread.read(tx)
            return await _found(asked, unread, tx)

        return await in_transaction(work, _WITHIN_S)


async def read_within(asked: Asked, tx: Transaction) -> Found:
    """Return the buckets of each time as a transaction sees them. Raises `Unavailable`."""
    unread = Unread(asked.merchant_id)
    await unread.read(tx)
    return await _found(asked, unread, tx)


async def unread_within(merchant_id: str, tx: Transaction) -> dict[str, Row]:
    """Return what no job has read yet, as facts by their ids; these replace those that are kept.

    Raises `Unavailable`.
    """
    unread = Unread(merchant_id)
    await unread.read(tx)
    return {id_: one.fresh for id_, one in unread.counted.items()}


async def _found(asked: Asked, unread: Unread, tx: Transaction) -> Found:
    state = unread.state
    coarse = coarse_of(state, asked.grain, asked.zone)
    shown = Shown(asked.currency, asked.parts)
    one = Reading(asked.merchant_id, shown, coarse, unread)
    bare = structs.replace(one, shown=Shown(asked.currency, ()))
    buckets = [await buckets_within(one, span, tx) for span in asked.spans]
    buckets += [await buckets_within(bare, span, tx) for span in asked.totals_of]
    return Found(buckets, frozenset((*(state.currencies if state else ()), *unread.currencies())))
