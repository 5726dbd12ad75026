"""Hold what counts of a month against the double entry, row by row."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from msgspec import Struct

from service.analytics.operations.deriving import LOST, MADE
from service.analytics.operations.folding import Bucket
from service.analytics.states import Kind, quarter_of
from service.payments.entries import repository as entries
from service.payments.entries.states import DISPUTE_LOSSES, SALES, SUSPENSE, clearing
from service.payments.payments.states import CAME
from service.reports import repository
from service.storage.database import Row
from service.storage.transaction import Transaction

Sums: TypeAlias = dict[datetime, list[int]]
"""What was paid, refunded and lost in each quarter-hour."""

NOTHING: Final = [0, 0, 0]
COUNTED: Final[Mapping[str, frozenset[str]]] = {
    Kind.PAYMENT: frozenset(one.value for one in CAME),
    Kind.REFUND: frozenset({MADE}),
    Kind.LOSS: frozenset({LOST}),
}
"""In which states a row counts, by its kind."""
_PLACES: Final = {kind: place for place, kind in enumerate(COUNTED)}
_TOTALS: Final = ("gross", "refunded", "lost")
_CLEARING: Final = clearing("")


class Difference(Struct, frozen=True):
    """A row of which the entries say something else than the report counts."""

    kind: str
    object_id: str
    at: datetime
    counted: int
    posted: int


def add(sums: Sums, facts: Iterable[Row]) -> None:
    """Count facts, each in its quarter-hour."""
    for one in facts:
        of = sums.setdefault(quarter_of(one["at"]), [*NOTHING])
        of[_PLACES[one["kind"]]] += _counts(one)


def said_by(buckets: Iterable[Bucket]) -> Sums:
    """Return what the figures say of each quarter-hour."""
    return {one.at: [one.totals.get(name, 0) for name in _TOTALS] for one in buckets}


def other_than(sums: Sums, said: Sums) -> set[datetime]:
    """Return the quarter-hours of which two say something else."""
    return {at for at in {*sums, *said} if sums.get(at, NOTHING) != said.get(at, NOTHING)}


async def differences(facts: Sequence[Row], currency: str, tx: Transaction) -> list[Difference]:
    """Return the rows whose entries say something else.

    Each payment is compared with what is posted on sales or in suspense, each refund with what left
    the clearing account, and each lost dispute with the losses, where its provider said what it
    took: else nothing is posted.
    """
    ids = [object_of(one) for one in facts]
    stands = _stands(await entries.lines_of(ids, tx), currency)
    found = []
    for one, id_ in zip(facts, ids, strict=True):
        counted, posted = _counts(one), _posted(one["kind"], stands.get(id_, {}))
        if counted != posted:
            found.append(Difference(one["kind"], id_, one["at"], counted, posted))
    unsaid = await _unsaid([one for one in found if one.kind == Kind.LOSS], tx)
    return [one for one in found if one.object_id not in unsaid]


def object_of(fact: Row) -> str:
    """Return the key of the row that a fact is of, in hex."""
    return str(fact["_id"]).partition(":")[2]


def _counts(fact: Row) -> int:
    amount: int = fact["amount"]
    return amount if fact["state"] in COUNTED[fact["kind"]] else 0


def _stands(posted: Iterable[Row], currency: str) -> Mapping[str, Mapping[str, int]]:
    """Return what stands on the accounts in a currency, by the row that it was posted for."""
    found: dict[str, dict[str, int]] = {}
    for one in posted:
        own = found.setdefault(one["objectId"], {})
        for line in one["lines"]:
            if line["currency"] == currency:
                own[line["account"]] = own.get(line["account"], 0) + line["amount"]
    return found


def _posted(kind: str, own: Mapping[str, int]) -> int:
    """Return what the accounts say of a row, as its report counts it."""
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
