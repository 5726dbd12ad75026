"""Count what stands beside the ledger: webhooks, in and out, and tracked events."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from service.analytics.operations.added_up import added_up, coarse_of
from service.analytics.operations.folding import Bucket, bucket_of
from service.analytics.operations.series import (
    TRACKED,
    cut,
    is_cut,
    nothing,
    of_tracked,
    of_webhooks,
    together,
    unless_purged,
)
from service.analytics.operations.spans import spans_of
from service.analytics.operations.sweeping import WITHIN_S
from service.analytics.repository import facts, rollups, series
from service.analytics.repository.facts import Span
from service.analytics.repository.rollups import Wanted
from service.analytics.states import SERIES, Grain, Part, quarter_of
from service.core.clock import EARLIEST
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

ALL_SERIES: Final = (Part.INCOMING, Part.OUTGOING, Part.TRACKED, Part.RESOURCE)


async def to_keep(
    merchant_id: str, quarters: Collection[datetime], tx: Transaction
) -> list[Bucket]:
    """Return quarter-hours as they are to be kept."""
    found = await counted(merchant_id, quarters, ALL_SERIES, tx)
    return [cut(one) for one in found.values()]


async def counted(
    merchant_id: str, quarters: Collection[datetime], parts: Collection[Part], tx: Transaction
) -> dict[datetime, Bucket]:
    """Return quarter-hours as they are counted now, but as before where rows of them are gone."""
    if not quarters:
        return {}
    spans = spans_of(quarters)
    stored = await rollups.within(Wanted(merchant_id, spans, SERIES, parts), tx)
    found = await _count(merchant_id, spans, parts, tx)
    for known in map(bucket_of, stored):
        found[known.at] = unless_purged(known, found.get(known.at, nothing(known.at)), parts)
    return found


async def read_series(
    merchant_id: str, span: Span, zone: str, parts: Collection[Part]
) -> list[Bucket]:
    """Return what was counted from the beginning of a quarter-hour on, all as of one moment.

    Raises `Unavailable`.
    """
    return await in_transaction(partial(_read, merchant_id, span, zone, parts), WITHIN_S)


async def _read(
    merchant_id: str, span: Span, zone: str, parts: Collection[Part], tx: Transaction
) -> list[Bucket]:
    """Return days of the merchant's zone, else quarter-hours; what is to be counted is so now."""
    state = await facts.state_of(merchant_id, tx)
    settled = state.series_until if state is not None and state.series_until else EARLIEST
    whole = span[0], max(span[0], min(quarter_of(span[1]), settled))
    odd = {*await facts.marks_within(merchant_id, whole, tx, "series")}
    odd |= {at for at in await series.late(merchant_id, tx) if whole[0] <= at < whole[1]}
    coarse = coarse_of(state, Grain.DAY, zone)
    known = await added_up(Wanted(merchant_id, [whole], SERIES, parts, odd), odd, coarse, tx)
    short = {one.at for one in known if is_cut(one)}
    found = [one for one in known if one.at not in short]
    found += (await counted(merchant_id, odd | short, parts, tx)).values()
    if whole[1] < span[1]:
        found += (await _count(merchant_id, [(whole[1], span[1])], parts, tx)).values()
    return found


async def _count(
    merchant_id: str, spans: Sequence[Span], parts: Collection[Part], tx: Transaction
) -> dict[datetime, Bucket]:
    made = []
    for some in facts.some_at_once(spans):
        if Part.INCOMING in parts:
            rows = await series.came_in(merchant_id, some, tx)
            made.append(of_webhooks(Part.INCOMING, rows))
        if Part.OUTGOING in parts:
            rows = await series.went_out(merchant_id, some, tx)
            made.append(of_webhooks(Part.OUTGOING, rows))
        if not TRACKED.isdisjoint(parts):
            made.append(of_tracked(await series.tracked(merchant_id, some, tx)))
    return together(made)
