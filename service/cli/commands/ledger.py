"""`tillgate ledger`: prove the books, and post what has changed."""

import time
from pathlib import Path

import rich_click as click
from click.exceptions import Exit

from service.bookkeeping.operations.check import Books, check_ledger
from service.cli.database import with_database
from service.cli.options import data_dir_option
from service.cli.screen import say, show_table, warn
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
def check(data_dir: Path) -> None:
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
    show_table(("account", "currency", "minor units"), rows, empty="Nothing is posted yet.")
    say(f"{books.payments} payments and {books.entries} entries were compared.")
    if books.unposted:
        say(
            f"{books.unposted} payments have changed since; `tillgate jobs run entries` posts them."
        )
    if not books.count:
        say("The books are right.")
        return
    show_table(
        ("about", "what is wrong"), [(one.about, one.what) for one in books.faults], empty=""
    )
    if books.count > len(books.faults):
        warn(f"{books.count - len(books.faults)} more faults are not shown")
    raise Exit(1)
