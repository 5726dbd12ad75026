"""What was written to a month since it was held against its entries.

All times are the database's: no clock of a process matters.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from service.analytics.operations.sweeping import ENDED_WITHIN_S
from service.analytics.repository import facts, sources
from service.analytics.states import Kind, quarter_of
from service.payments.disputes.documents import Dispute
from service.payments.entries import repository as entries
from service.payments.payments.documents import Payment
from service.payments.refunds.documents import Refund
from service.reports import repository
from service.reports.operations.ahead import Ahead
from service.reports.operations.comparing import COUNTED
from service.reports.operations.due import Due
from service.storage.answering import answers_in_time
from service.storage.database import EMPTY_TIME, DatabaseTime, Row, earlier
from service.storage.plain import PlainTransaction
from service.storage.transaction import Transaction

_AT_ONCE: Final = 2_000
_POSTED: Final = "posted"
_SOURCES: Final[Mapping[str, str]] = {
    Kind.PAYMENT: Payment.collection_name(),
    Kind.REFUND: Refund.collection_name(),
    Kind.LOSS: Dispute.collection_name(),
}
_KINDS: Final[Mapping[str, str]] = {
    "payment": Kind.PAYMENT,
    "refund": Kind.REFUND,
    "dispute": Kind.LOSS,
}


async def all_read(due: Due) -> Mapping[str, int]:
    """Return before when all that was written is in the facts, and in the entries."""
    async with answers_in_time(), sources.as_of_now() as (session, now):
        state = await facts.state_of(due.merchant.id, PlainTransaction(session))
    seen = state.seen if state else {}
    times = {kind: seen.get(source, EMPTY_TIME) for kind, source in _SOURCES.items()}
    times[_POSTED] = now
    return {name: earlier(at, ENDED_WITHIN_S).time for name, at in times.items()}


async def touched(due: Due, ahead: Ahead, fresh: Collection[Row], tx: Transaction) -> set[datetime]:
    """Return the quarter-hours of a month in which a row or its entries were written since.

    `fresh` is what no job has read yet. Where a row was before needs no look: what is said of that
    quarter-hour is other than it was then.
    """
    written = {
        kind: await repository.written_after(kind, due.merchant.id, _time(ahead, kind), tx)
        for kind in COUNTED
    }
    ids = {f"{kind}:{id_}" for kind, some in written.items() for id_ in some}
    posted = await entries.posted_after(due.merchant.id, _time(ahead, _POSTED), tx)
    ids |= {f"{_KINDS[kind]}:{id_}" for kind, id_ in posted}
    found = [*fresh, *await _facts(sorted(ids), tx)]
    begins, ends = due.span
    return {
        quarter_of(one["at"])
        for one in found
        if one["currency"] == due.currency and begins <= one["at"] < ends
    }


async def _facts(ids: Sequence[str], tx: Transaction) -> list[Row]:
    found: list[Row] = []
    for n in range(0, len(ids), _AT_ONCE):
        found += (await facts.by_ids(ids[n : n + _AT_ONCE], tx)).values()
    return found


def _time(ahead: Ahead, name: str) -> DatabaseTime:
    return DatabaseTime(ahead.since[name], 0)
