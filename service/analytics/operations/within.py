"""The buckets of a time: roll-ups as unread rows change them, and facts where these can't tell."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec import Struct

from service.analytics.operations.added_up import Coarse, added_up
from service.analytics.operations.folding import (
    Bucket,
    Gathered,
    Quarter,
    buckets_of,
    copy_of,
    gather,
)
from service.analytics.operations.joining import Shown, joined
from service.analytics.operations.spans import spans_of
from service.analytics.operations.unread import Unread
from service.analytics.repository import facts, rollups
from service.analytics.repository.facts import Span, Which
from service.analytics.states import QUARTER, next_quarter, quarter_of
from service.storage.transaction import Transaction


class Reading(Struct, frozen=True):
    """What is read of a merchant, which days and months may be, and what no job has read yet."""

    merchant_id: str
    shown: Shown
    coarse: Coarse | None
    unread: Unread


async def buckets_within(of: Reading, span: Span, tx: Transaction) -> list[Bucket]:
    """Return the buckets of a time, as a transaction sees them.

    The quarter-hour in which it ends is read as a whole, less what comes later: of the present one
    that is next to nothing. The one in which it begins is added up, and so are marked ones.
    """
    since, until = span
    if since >= until:
        return []
    whole = next_quarter(since), next_quarter(until)
    edge = [(since, min(whole[0], until))] if since < whole[0] else []
    marked = {*await facts.marks_within(of.merchant_id, whole, tx)}
    changes = {at: one for at, one in of.unread.changes.items() if whole[0] <= at < whole[1]}
    if whole[0] <= quarter_of(until) < until and quarter_of(until) not in marked:
        changes[quarter_of(until)] = await _until(of, until, tx)
    wanted = rollups.Wanted(of.merchant_id, [whole], of.shown.currency, of.shown.parts, marked)
    stored = await added_up(wanted, {*marked, *changes}, of.coarse, tx)
    found, rest = _changed(of, stored, changes, marked)
    spans = [(begins, min(ends, until)) for begins, ends in spans_of(rest)]
    found += await _of_facts(of, [*spans, *edge], tx)
    return sorted(found, key=lambda one: (one.at, one.currency))


def _changed(
    of: Reading,
    stored: Sequence[Bucket],
    changes: dict[datetime, Quarter],
    marked: Collection[datetime],
) -> tuple[list[Bucket], set[datetime]]:
    """Return buckets as they are changed, and quarter-hours that must be added up from facts."""
    found, rest = [one for one in stored if one.at not in changes], {*marked}
    known: dict[datetime, dict[str, Bucket]] = defaultdict(dict)
    for one in stored:
        known[one.at][one.currency] = one
    for at in changes.keys() - rest:
        made = joined(known[at], at, changes[at], of.shown)
        if made is None:
            rest.add(at)
        else:
            found += made
    return found, rest


async def _until(of: Reading, until: datetime, tx: Transaction) -> Quarter:
    """Return what changes the quarter-hour of a moment, less all that comes after that moment."""
    at = quarter_of(until)
    later = [(until, at + QUARTER)]
    found = {at: copy_of(of.unread.changes.get(at, Quarter()))}
    which = Which(of.merchant_id, later, of.unread.stale(later))
    async for rows in facts.batches(which, tx):
        gather(found, rows, -1)
    gather(found, of.unread.fresh(later), -1)
    return found[at]


async def _of_facts(of: Reading, spans: Sequence[Span], tx: Transaction) -> list[Bucket]:
    if not spans:
        return []
    gathered: Gathered = {}
    which = Which(of.merchant_id, spans, of.unread.stale(spans))
    async for rows in facts.batches(which, tx):
        gather(gathered, rows)
    gather(gathered, of.unread.fresh(spans))
    return [one for one in buckets_of(gathered) if of.shown.currency in {None, one.currency}]
