"""`tillgate ledger`: prove the books, and post what has changed."""

import time
from collections.abc import Iterator
from pathlib import Path

import rich_click as click

from service.bookkeeping.operations.check import Books, check_ledger
from service.cli.database import with_database
from service.cli.listing import Found, Rows, lists
from service.cli.options import data_dir_option
from service.core.batches import Until
from service.settings import Settings
from service.storage.database import Database

# A person is waiting, who can end it.
_LONGEST_S = 24 * 3600.0


@click.group()
def command() -> None:
    """Look at the books: double entry, behind the ledger of payments, refunds and disputes."""


@command.command("check")
@data_dir_option
@lists
def check(data_dir: Path) -> Found:
    """Prove in one pass that the books are right, and show what stands on the accounts.

    Every currency balances, no entry lacks its row or its event, and entries agree with payments,
    refunds and disputes. Ends with 1 where something is wrong.
    """

    async def work(_: Settings, __: Database) -> Books:
        return await check_ledger(Until(time.monotonic() + _LONGEST_S))

    books = with_database(data_dir, work)
    rows = [
        (account, currency, amount)
        for (account, currency), amount in sorted(books.balances.items())
    ]
    empty = "Nothing is posted yet."
    accounts = Rows("accounts", ("account", "currency", "minor units"), rows, empty)
    faults = [(one.about, one.what) for one in books.faults]
    wrong = Rows("faults", ("about", "what is wrong"), faults)
    hidden = books.count - len(books.faults)
    return Found(
        [accounts, wrong],
        warnings=[f"{hidden} more faults are not shown"] if hidden else [],
        notes=[*_said(books)],
        wrong=bool(books.count),
    )


def _said(books: Books) -> Iterator[str]:
    yield f"{books.payments} payments and {books.entries} entries were compared."
    if books.unposted:
        yield (
            f"{books.unposted} payments have changed since; `tillgate jobs run entries` posts them."
        )
    if not books.count:
        yield "The books are right."
