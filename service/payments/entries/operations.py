"""Post what is not posted yet."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from service.payments.entries import repository
from service.payments.entries.documents import Entry, Kind, Line
from service.payments.entries.errors import Unbalanced
from service.payments.entries.states import Balances, difference, total, unbalanced
from service.storage.database import Row
from service.storage.transaction import Transaction


class Posting(Struct, frozen=True):
    """What should stand on the accounts for one object, and by which event it came to that."""

    kind: Kind
    object_id: str
    merchant_id: str
    event_id: str
    target: Balances


def balances_of(entries: Iterable[Entry]) -> dict[tuple[str, str], int]:
    """Return what stands on the accounts by some entries."""
    return total(
        {(line.account, line.currency): line.amount} for entry in entries for line in entry.lines
    )


def by_object(entries: Iterable[Entry]) -> Mapping[str, Sequence[Entry]]:
    """Return entries by their object."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.object_id].append(entry)
    return found


async def post(tx: Transaction, postings: Sequence[Posting], now: datetime) -> int:
    """Post for each object its target less what is posted already; return how many entries.

    Nothing that was posted is changed, so the balances of an object are those of its state in
    whatever order it came to it. Raises `Unbalanced`, and `Duplicate` where somebody else has just
    posted for one of them.
    """
    entries = await repository.find_of([one.object_id for one in postings], tx)
    posted = by_object(entries)
    rows = [
        row
        for one in postings
        if (row := _entry(one, posted.get(one.object_id, ()), now)) is not None
    ]
    await repository.insert(rows, tx)
    return len(rows)


def _entry(posting: Posting, before: Sequence[Entry], now: datetime) -> Row | None:
    moved = difference(posting.target, balances_of(before))
    if not moved:
        return None
    name = f"{posting.kind}:{posting.object_id}"
    if left := unbalanced(moved):
        raise Unbalanced(name, left)
    lines = [
        Line(account=account, currency=currency, amount=amount).model_dump(by_alias=True)
        for (account, currency), amount in sorted(moved.items())
    ]
    row = {"_id": f"{name}:{len(before) + 1}", "lines": lines, "postedAt": now}
    return Entry.new_row(row, posting)
