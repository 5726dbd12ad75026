"""Hold a report against the double entry: row by row, as of one moment."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from service.analytics.operations.folding import Bucket
from service.analytics.operations.reading import unread_within
from service.analytics.operations.spans import spans_of
from service.analytics.states import Kind, quarter_of
from service.reports import repository
from service.reports.errors import ReportAltered
from service.reports.operations.ahead import Ahead
from service.reports.operations.comparing import (
    COUNTED,
    Difference,
    Sums,
    add,
    differences,
    other_than,
    said_by,
)
from service.reports.operations.due import Due
from service.reports.operations.meanwhile import touched
from service.reports.operations.verifying import whole
from service.storage.database import Row
from service.storage.transaction import Transaction

_SHOWN: Final = 3
_AT_ONCE: Final = 100
_ENOUGH: Final = 100
"""After how many differences no more are looked for."""
_NAMES: Final[Mapping[str, str]] = {
    Kind.PAYMENT: "payment",
    Kind.REFUND: "refund",
    Kind.LOSS: "dispute",
}


async def altered(due: Due, tx: Transaction) -> str | None:
    """Return in words which earlier report is not what was closed; None where all of them are.

    A month would tell what changed since by what that one says.
    """
    for one in await repository.chain(due.merchant.id, due.currency, tx):
        try:
            whole(one)
        except ReportAltered as error:
            return error.message
    return None


async def disagreement(
    due: Due, buckets: Sequence[Bucket], ahead: Ahead, tx: Transaction
) -> str | None:
    """Return in words where a report and the entries of its rows differ; None where they don't.

    Read are the quarter-hours that were written to since they were read ahead, those in which
    something differed then, and those of which the report says something else than they came to.
    Raises `Unavailable`.
    """
    said = said_by(buckets)
    fresh = await unread_within(due.merchant.id, tx)
    again = await touched(due, ahead, fresh.values(), tx)
    again |= {*ahead.unlike} | other_than(ahead.sums, said)
    counted: Sums = {}
    found: list[Difference] = []
    for some in _few_at_once(sorted(again)):
        async for facts in _facts(due, some, fresh, tx):
            add(counted, facts)
            found += await differences(facts, due.currency, tx)
        if len(found) > _ENOUGH:
            break
    if found:
        return await _said(found, due, tx)
    if not other_than(counted, {at: of for at, of in said.items() if at in again}):
        return None
    return (
        "The figures of the month are not what its payments, refunds and disputes add up to: run "
        "`tillgate figures rebuild`."
    )


def _few_at_once(quarters: Sequence[datetime]) -> Iterator[Sequence[datetime]]:
    return (quarters[n : n + _AT_ONCE] for n in range(0, len(quarters), _AT_ONCE))


async def _facts(
    due: Due, quarters: Sequence[datetime], fresh: Mapping[str, Row], tx: Transaction
) -> AsyncIterator[Sequence[Row]]:
    """Yield what counts in some quarter-hours, what no job has read in the place of what was."""
    spans = spans_of(quarters)
    async for rows in repository.money_within(due.merchant.id, due.currency, spans, tx):
        yield [row for row in rows if row["_id"] not in fresh]
    yield [
        row
        for row in fresh.values()
        if row["kind"] in COUNTED
        and row["currency"] == due.currency
        and quarter_of(row["at"]) in quarters
    ]


async def _said(found: Sequence[Difference], due: Due, tx: Transaction) -> str:
    waiting = {
        str(row["_id"])
        for kind in COUNTED
        if (ids := [one.object_id for one in found if one.kind == kind])
        for row in await repository.rows_of(kind, ids, tx)
        if row.get("unposted")
    }
    wrong = [one for one in found if one.object_id not in waiting]
    if not wrong:
        return (
            f"{len(waiting)} of its payments, refunds and disputes are not posted yet: the job "
            "`entries` does that, look whether it runs."
        )
    return (
        f"Its money is not what the ledger's entries say: {_listed(wrong, due.currency)}. "
        "`tillgate ledger check` compares all of them."
    )


def _listed(wrong: Sequence[Difference], currency: str) -> str:
    said = [
        f"{_NAMES[one.kind]} {one.object_id} counts {one.counted} {currency} in minor units, its "
        f"entries say {one.posted}"
        for one in wrong[:_SHOWN]
    ]
    more = len(wrong) - _SHOWN
    return "; ".join([*said, *([f"and {more} more"] if more > 0 else [])])
