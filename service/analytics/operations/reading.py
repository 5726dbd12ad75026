"""Read figures: clean quarter-hours from roll-ups, all others from facts, as of one moment."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from service.analytics.documents import FiguresState
from service.analytics.operations.added_up import Coarse, added_up
from service.analytics.operations.deriving import FIELDS
from service.analytics.operations.folding import Bucket, Gathered, buckets_of, gather
from service.analytics.operations.gathering import derived, newer
from service.analytics.operations.spans import spans_of
from service.analytics.operations.sweeping import COMMITTED_WITHIN_S
from service.analytics.repository import facts, rollups, sources
from service.analytics.repository.facts import Span, Which
from service.analytics.states import Grain, Part, next_quarter, quarter_of
from service.core.errors import Unavailable
from service.storage.database import EMPTY_TIME, Row
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

MOST_UNREAD: Final = 50_000
"""How many rows that no job has read yet are added up for one answer."""
_WITHIN_S: Final = 20.0


class Asked(Struct, frozen=True):
    """What is read: a merchant's figures of some times, with some parts; None: all currencies.

    Times are exact: a quarter-hour that one begins or ends in is added up from facts. Where hours
    or days of a zone are told apart at least, buckets may be as long as these; what is not the
    total of an hour stands beside the first one of its day.
    """

    merchant_id: str
    spans: Sequence[Span]
    currency: str | None = None
    parts: Collection[Part] = ()
    grain: Grain = Grain.QUARTER
    zone: str | None = None


class Found(Struct, frozen=True):
    """The buckets of each time, and all currencies that the merchant has anything in."""

    buckets: Sequence[Sequence[Bucket]]
    currencies: frozenset[str]


class _Apart(Struct, frozen=True):
    """What no job has read, what was known of it, and how days are read where they may be."""

    unread: dict[str, Row]
    stale: Sequence[Row]
    coarse: Coarse | None


async def read(asked: Asked) -> Found:
    """Return the buckets of each time, all as of one moment. Raises `Unavailable`."""
    return await in_transaction(partial(read_within, asked), _WITHIN_S)


async def read_within(asked: Asked, tx: Transaction) -> Found:
    """Return the buckets of each time as a transaction sees them. Raises `Unavailable`."""
    state = await facts.state_of(asked.merchant_id, tx)
    unread, stale = await _unread(asked.merchant_id, state, tx)
    coarse = None
    if asked.grain != Grain.QUARTER and state and state.zone and state.zone == asked.zone:
        coarse = Coarse(ZoneInfo(state.zone), by_hour=asked.grain == Grain.HOUR)
    apart = _Apart(unread, stale, coarse)
    buckets = [await _of_span(asked, span, apart, tx) for span in asked.spans]
    known = state.currencies if state else ()
    return Found(buckets, frozenset((*known, *(row["currency"] for row in unread.values()))))


async def retrying(merchant_id: str, currency: str, span: Span) -> int:
    """Return how many users tried again in the sessions of a time. Raises `Unavailable`."""

    async def work(tx: Transaction) -> int:
        state = await facts.state_of(merchant_id, tx)
        unread, _ = await _unread(merchant_id, state, tx)
        known = await facts.who_retried(merchant_id, currency, span, tx)
        users = {row["payer"] for row in known if row["_id"] not in unread}
        users |= {
            row["payer"]
            for row in unread.values()
            if row["tries"] and row["currency"] == currency and _is_in(row["at"], [span])
        }
        return len(users)

    return await in_transaction(work, _WITHIN_S)


async def unread_within(merchant_id: str, tx: Transaction) -> dict[str, Row]:
    """Return what no job has read yet, as facts by their ids; these replace those that are kept.

    Raises `Unavailable`.
    """
    return (await _unread(merchant_id, await facts.state_of(merchant_id, tx), tx))[0]


async def _unread(
    merchant_id: str, state: FiguresState | None, tx: Transaction
) -> tuple[dict[str, Row], list[Row]]:
    """Return what no job has read yet, as facts by their ids, and what was known of these."""
    found: list[Row] = []
    for source in sources.SOURCES:
        seen = state.seen.get(source, EMPTY_TIME) if state else EMPTY_TIME
        after = sources.earlier(seen, COMMITTED_WITHIN_S)
        limited = sources.Limited(MOST_UNREAD + 1, tx.session)
        rows = await sources.written_after(source, merchant_id, after, FIELDS[source], limited)
        if len(rows) > MOST_UNREAD:
            raise Unavailable(
                "Figures are being made for the first time: run `tillgate jobs run figures`, or "
                "wait for it.",
                retry_after=60,
            )
        found += await derived(source, merchant_id, rows, tx)
    known = await facts.by_ids([one["_id"] for one in found], tx)
    fresh = {
        row["_id"]: row for one in found if (row := newer(one, known.get(one["_id"]))) is not None
    }
    return fresh, [known[id_] for id_ in fresh if id_ in known]


async def _of_span(asked: Asked, span: Span, apart: _Apart, tx: Transaction) -> list[Bucket]:
    since, until = span
    odd = {quarter_of(row["at"]) for row in (*apart.unread.values(), *apart.stale)}
    odd |= {*await facts.marks_within(asked.merchant_id, (quarter_of(since), until), tx)}
    whole = next_quarter(since), quarter_of(until)
    odd = {at for at in odd if whole[0] <= at < whole[1]}
    spans = [*spans_of(odd), *_edges(span, whole)]
    gathered: Gathered = {}
    which = Which(asked.merchant_id, spans, [one["_id"] for one in apart.stale])
    async for rows in facts.batches(which, tx):
        gather(gathered, rows)
    gather(gathered, (row for row in apart.unread.values() if _is_in(row["at"], spans)))
    wanted = rollups.Wanted(asked.merchant_id, [whole], asked.currency, asked.parts)
    buckets = await added_up(wanted, odd, apart.coarse, tx)
    buckets += [one for one in buckets_of(gathered) if asked.currency in {None, one.currency}]
    return sorted(buckets, key=lambda one: (one.at, one.currency))


def _edges(span: Span, whole: Span) -> list[Span]:
    """Return the parts of quarter-hours that a time begins and ends in."""
    since, until = span
    if whole[0] > whole[1] or since >= until:
        return [(since, until)] if since < until else []
    edges = [(since, whole[0]), (whole[1], until)]
    return [(begins, ends) for begins, ends in edges if begins < ends]


def _is_in(at: datetime, spans: Sequence[Span]) -> bool:
    return any(begins <= at < ends for begins, ends in spans)
