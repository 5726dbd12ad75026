"""Prove the books: one pass over the ledger, each payment with all that hangs on it."""

from collections.abc import Mapping, Sequence
from functools import partial

import structlog
from msgspec import Struct

from service.bookkeeping.operations.group import Group, gather, postings_of
from service.bookkeeping.operations.report import CheckReport
from service.core.batches import Until, work_off
from service.jobs.operations.job import Turn
from service.payments.disputes import repository as disputes
from service.payments.entries import repository as entries
from service.payments.entries.documents import Entry
from service.payments.entries.operations import balances_of
from service.payments.entries.states import Balances, difference, total, unbalanced
from service.payments.payments import repository as payments
from service.payments.refunds import repository as refunds
from service.payments.refunds.operations.record import sums_of
from service.storage.keys import Keys
from service.storage.plain import in_transaction

_AT_ONCE = 200
_MOST_KEPT = 100

log = structlog.get_logger(__name__)


class Fault(Struct, frozen=True):
    """Something that is wrong in the books: with which row or entry, and what, in words."""

    about: str
    what: str


class Books:
    """What a check has found so far. `balances` are those of all entries that were read.

    `unposted` payments have changed since they were posted, and are not compared. Of `faults` the
    first are kept, `count` tells how many there are. `reached` is the last payment that was read,
    or the last entry once all payments were. `whole`: the pass came to its end.
    """

    def __init__(self, reached: str | None) -> None:
        """Begin with nothing read after some payment or entry."""
        self.reached = reached
        self.payments = self.entries = self.unposted = self.count = 0
        self.faults: list[Fault] = []
        self.balances: Balances = {}
        self.whole = False

    def add(self, fault: Fault) -> None:
        """Count a fault, and keep it unless there are many."""
        self.count += 1
        if len(self.faults) < _MOST_KEPT:
            self.faults.append(fault)


async def check_books(report: CheckReport, turn: Turn) -> None:
    """Check the books as a job: each fault that is kept leaves a line in the log.

    A run that can't come to the end keeps where it was, and the next one goes on there.
    """
    after = (turn.reached or {}).get("after")
    books = await check_ledger(turn.until, str(after) if after else None)
    await turn.keep(None if books.whole else {"after": books.reached})
    report.payments, report.entries, report.faults = books.payments, books.entries, books.count
    for fault in books.faults:
        log.error("the books are wrong", about=fault.about, what=fault.what)


async def check_ledger(
    until: Until, after: str | None = None, merchant_id: str | None = None
) -> Books:
    """Compare all entries with the ledger: what is posted, what adds up, what belongs to nothing.

    Each batch is one snapshot, so what is written meanwhile disturbs nothing. `after` is the
    payment or entry where a pass before this one ended; with a merchant its books alone are read.
    """
    books = Books(after)

    async def check(keys: Keys) -> int:
        booked = await in_transaction(lambda tx: gather(keys, tx))
        for group in booked.groups:
            _check_group(group, booked.entries, books)
        read = [one for some in booked.entries.values() for one in some]
        books.entries += len(read)
        books.payments += len(booked.groups)
        books.balances = total((books.balances, balances_of(read)))
        books.reached = str(keys[-1])
        return len(keys)

    entry = after if after is not None and ":" in after else None
    if entry is None:
        await work_off(payments.walk_all(_AT_ONCE, after, merchant_id), check, until)
    if not until.over:
        walk = entries.walk_all(_AT_ONCE, merchant_id, entry)
        await work_off(walk, partial(_check_owners, books=books), until)
    books.whole = not until.over
    for currency, amount in unbalanced(books.balances).items():
        books.add(Fault(currency, f"debit and credit differ by {amount}"))
    return books


def _check_group(group: Group, posted: Mapping[str, Sequence[Entry]], books: Books) -> None:
    for fault in _sums_of(group):
        books.add(fault)
    if any(row.unposted for row in (group.payment, *group.refunds, *group.disputes)):
        books.unposted += 1
        return
    for posting in postings_of(group, posted):
        about = f"{posting.kind}:{posting.object_id}"
        own = posted.get(posting.object_id, ())
        for entry in own:
            if left := unbalanced(balances_of([entry])):
                books.add(Fault(entry.id, f"its lines don't balance: {_said(left)} left over"))
        for (account, currency), amount in difference(posting.target, balances_of(own)).items():
            what = f"{account} lacks {amount} {currency} of what the ledger says"
            books.add(Fault(about, what))


def _sums_of(group: Group) -> list[Fault]:
    """Compare what a payment's row says of its refunds and disputes with their rows."""
    payment = group.payment
    refunded, reserved = sums_of(payment, group.refunds)
    pairs = (
        ("refunded", payment.refunded + payment.excess, refunded),
        ("reserved", payment.reserved, reserved),
        ("held", payment.held, sum(one.takes_of(payment) for one in group.disputes)),
    )
    return [
        Fault(f"payment:{payment.id}", f"{name} is {said}, its rows add up to {found}")
        for name, said, found in pairs
        if said != found
    ]


def _said(amounts: Mapping[str, int]) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in sorted(amounts.items()))


async def _check_owners(some: Sequence[Entry], books: Books) -> int:
    """Find entries of rows that there are not, and such as no event caused."""
    rooms = {"payment": payments, "refund": refunds, "dispute": disputes}
    for kind, room in rooms.items():
        ids = {one.object_id for one in some if one.kind == kind}
        known = await room.known_among(ids) if ids else set()
        for entry in some:
            if entry.kind == kind and entry.object_id not in known:
                books.add(Fault(entry.id, f"there is no {kind} {entry.object_id}"))
    for entry in some:
        if not entry.event_id:
            books.add(Fault(entry.id, "no event caused it"))
    books.reached = some[-1].id
    return len(some)
