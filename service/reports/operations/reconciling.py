"""Hold a report against the double entry: row by row, as of one moment."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from service.analytics.operations.deriving import LOST, MADE
from service.analytics.operations.reading import unread_within
from service.analytics.states import Kind
from service.payments.entries import repository as entries
from service.payments.entries.operations import balances_of, by_object
from service.payments.entries.states import DISPUTE_LOSSES, SALES, SUSPENSE, Balances, clearing
from service.payments.payments.states import CAME
from service.reports import repository
from service.reports.errors import ReportAltered
from service.reports.operations.due import Due
from service.reports.operations.verifying import whole
from service.reports.states import ReportSummary
from service.storage.database import Row
from service.storage.transaction import Transaction

_SHOWN: Final = 3
_CLEARING: Final = clearing("")
_COUNTED: Final[Mapping[str, frozenset[str]]] = {
    Kind.PAYMENT: frozenset(one.value for one in CAME),
    Kind.REFUND: frozenset({MADE}),
    Kind.LOSS: frozenset({LOST}),
}


class Difference(Struct, frozen=True):
    """A row of which the entries say something else than the report counts."""

    kind: str
    object_id: str
    counted: int
    posted: int


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


async def disagreement(due: Due, summary: ReportSummary, tx: Transaction) -> str | None:
    """Return in words where a report and the entries of its rows differ; None where they don't.

    Each payment is compared with what is posted on sales or in suspense, each refund with what left
    the clearing account, and each lost dispute with the losses, where its provider said what it
    took: else nothing is posted. Raises `Unavailable`.
    """
    counted = dict.fromkeys(_COUNTED, 0)
    found: list[Difference] = []
    async for facts in _facts(due, tx):
        for one in facts:
            counted[one["kind"]] += _counts(one)
        found += await _differences(facts, due.currency, tx)
    if found:
        return await _said(found, due, tx)
    said = (summary.total_revenue, summary.refunded, summary.lost)
    if said == tuple(counted.values()):
        return None
    return (
        "The figures of the month are not what its payments, refunds and disputes add up to: run "
        "`tillgate figures rebuild`."
    )


async def _facts(due: Due, tx: Transaction) -> AsyncIterator[Sequence[Row]]:
    """Yield what is counted of the month, what no job has read yet in the place of what was."""
    fresh = await unread_within(due.merchant.id, tx)
    walk = repository.money_within(due.merchant.id, due.currency, due.span, tx)
    async for rows in walk:
        yield [row for row in rows if row["_id"] not in fresh]
    begins, ends = due.span
    yield [
        row
        for row in fresh.values()
        if row["kind"] in _COUNTED
        and row["currency"] == due.currency
        and begins <= row["at"] < ends
    ]


async def _differences(facts: Sequence[Row], currency: str, tx: Transaction) -> list[Difference]:
    posted = by_object(await entries.find_of([_object_of(one) for one in facts], tx))
    found = []
    for one in facts:
        stands = balances_of(posted.get(_object_of(one), ()))
        difference = Difference(
            one["kind"], _object_of(one), _counts(one), _posted(one["kind"], stands, currency)
        )
        if difference.counted != difference.posted:
            found.append(difference)
    unsaid = await _unsaid([one for one in found if one.kind == Kind.LOSS], tx)
    return [one for one in found if one.object_id not in unsaid]


def _counts(fact: Row) -> int:
    amount: int = fact["amount"]
    return amount if fact["state"] in _COUNTED[fact["kind"]] else 0


def _posted(kind: str, stands: Balances, currency: str) -> int:
    """Return what the accounts say of a row, as its report counts it."""
    own = {account: amount for (account, of), amount in stands.items() if of == currency}
    if kind == Kind.LOSS:
        return max(own.get(DISPUTE_LOSSES, 0), 0)
    if kind == Kind.REFUND:
        return -sum(amount for name, amount in own.items() if name.startswith(_CLEARING))
    return -own.get(SALES, 0) - own.get(SUSPENSE, 0)


async def _unsaid(lost: Sequence[Difference], tx: Transaction) -> set[str]:
    """Return the lost disputes whose provider did not say what they took, or in other money."""
    rows = await repository.rows_of(Kind.LOSS, [one.object_id for one in lost], tx) if lost else []
    return {str(row["_id"]) for row in rows if not _is_said(row)}


def _is_said(dispute: Row) -> bool:
    moved = dispute.get("movements") or []
    if not moved:
        return dispute.get("deducted") is not None
    return all(one["currency"] == dispute["currency"] for one in moved)


async def _said(found: Sequence[Difference], due: Due, tx: Transaction) -> str:
    waiting = {
        str(row["_id"])
        for kind in _COUNTED
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
        f"{_KINDS[one.kind]} {one.object_id} counts {one.counted} {currency} in minor units, its "
        f"entries say {one.posted}"
        for one in wrong[:_SHOWN]
    ]
    more = len(wrong) - _SHOWN
    return "; ".join([*said, *([f"and {more} more"] if more > 0 else [])])


_KINDS: Final[Mapping[str, str]] = {
    Kind.PAYMENT: "payment",
    Kind.REFUND: "refund",
    Kind.LOSS: "dispute",
}


def _object_of(fact: Row) -> str:
    return str(fact["_id"]).partition(":")[2]
