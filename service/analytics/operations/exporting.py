"""Downloads for accountants: payments, and the double entry, as a table or as JSON."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from service.analytics.errors import NoSuchCurrency, WrongQuestion
from service.analytics.operations.asking import require_currency
from service.analytics.operations.naming import with_items
from service.analytics.operations.periods import day_of
from service.analytics.operations.services import Shown
from service.analytics.repository import exports
from service.analytics.repository.exports import Wanted
from service.audit.operations import Act, record
from service.core.json_text import to_json
from service.core.principal import Principal
from service.core.spreadsheets import csv_lines
from service.core.strict_json import JsonObject
from service.storage.answering import answers_in_time
from service.storage.database import Row
from service.storage.plain import NO_TRANSACTION

Format: TypeAlias = Literal["csv", "json"]

MOST_ROWS: Final = 500_000

COLUMNS: Final = (
    *("Transaction ID", "Amount", "Currency", "Status", "Resource", "Provider"),
    *("Provider Payment ID", "Payment Method", "Session ID", "User ID", "Country"),
    *("Refunded", "Fee", "Failure Code", "Created At", "Status At"),
)
ACCOUNTING: Final = (
    *("Date", "Entry ID", "Transaction ID", "Description", "Account"),
    *("Debit", "Credit", "Currency"),
)


async def count_transactions(wanted: Wanted, shown: Shown) -> int:
    """Count what a file holds.

    Raises `WrongQuestion`, `NoSuchCurrency`, and `Unavailable`.
    """
    async with answers_in_time():
        count = await exports.count_payments(wanted, MOST_ROWS + 1)
    if not count:
        await require_currency(shown)
    return _bounded("payments", count)


async def count_accounting(wanted: Wanted, shown: Shown) -> int:
    """Count what a file holds; raises as `count_transactions` does."""
    async with answers_in_time():
        count = await exports.count_entries(wanted, MOST_ROWS + 1)
    if not count:
        await _require_entries(wanted, shown)
    return _bounded("entries", count)


async def _require_entries(wanted: Wanted, shown: Shown) -> None:
    """Refuse a currency in which nothing was sold, unless a fee, say, was ever posted in it."""
    try:
        await require_currency(shown)
    except NoSuchCurrency:
        async with answers_in_time():
            if not await exports.has_entries(wanted.merchant_id, shown.currency):
                raise


def _bounded(what: str, count: int) -> int:
    if count > MOST_ROWS:
        raise WrongQuestion("startDate", f"takes in more than {MOST_ROWS} {what}: ask for less")
    return count


async def note_taken(
    what: Literal["payments", "entries"],
    wanted: Wanted,
    file: tuple[Format, int],
    by: Principal,
    shown: Shown,
) -> None:
    """Record who takes a file, of which format and how many rows. Raises `Unavailable`."""
    format_, count = file
    detail: JsonObject = {
        "format": format_,
        what: count,
        "from": wanted.span[0].isoformat(),
        "to": wanted.span[1].isoformat(),
    }
    act = Act(f"{what}.downloaded", what, detail=detail)
    async with answers_in_time():
        await record(NO_TRANSACTION, by, act, shown.as_of)


async def transactions_csv(wanted: Wanted, *, metadata: bool) -> AsyncIterator[bytes]:
    """Yield a table of payments, newest first."""
    yield csv_lines([(*COLUMNS, *(["Metadata"] if metadata else []))])
    async with aclosing(exports.payments(wanted, metadata=metadata, aware=False)) as lists:
        async for rows in lists:
            cells = [_cells(row) for row in await with_items(wanted.merchant_id, rows)]
            if metadata:
                cells = [(*of, _said(row)) for of, row in zip(cells, rows, strict=True)]
            yield csv_lines(cells)


def _cells(row: Row) -> tuple[object, ...]:
    get, details = row.get, row.get("details") or {}
    currency = row["currency"]
    return (
        row["_id"],
        row["amount"],
        currency,
        row["status"],
        row["item"],
        row["provider"],
        row["providerPaymentId"],
        get("paymentMethod"),
        get("sessionId"),
        get("userId"),
        details.get("country"),
        get("refunded", 0),
        details.get("fee") if details.get("feeCurrency") == currency else None,
        get("failureCode"),
        _moment(row["createdAt"]),
        _moment(row["statusAt"]),
    )


def _said(row: Row) -> str:
    return to_json(row.get("metadata") or {}).decode()


async def transactions_json(
    wanted: Wanted, head: object, line_of: Callable[[Row], object], *, metadata: bool
) -> AsyncIterator[bytes]:
    """Yield a JSON document: the fields of `head`, and then the payments, newest first."""
    before = to_json(head)[:-1] + b',"transactions":['
    async with aclosing(exports.payments(wanted, metadata=metadata, aware=True)) as lists:
        async for rows in lists:
            named = await with_items(wanted.merchant_id, rows)
            yield before + b",\n".join(to_json(line_of(row)) for row in named)
            before = b",\n"
    yield b"]}\n" if before == b",\n" else before + b"]}\n"


async def accounting_csv(wanted: Wanted, zone: ZoneInfo) -> AsyncIterator[bytes]:
    """Yield a table of the double entry, oldest first: a row for each line of an entry.

    Its dates are days of the zone, as are those that it was asked for by.
    """
    yield csv_lines([ACCOUNTING])
    async with aclosing(exports.entries(wanted)) as lists:
        async for rows in lists:
            yield csv_lines([cells for row in rows for cells in _accounting(row, wanted, zone)])


def _accounting(entry: Row, wanted: Wanted, zone: ZoneInfo) -> list[Sequence[object]]:
    """Return the lines of an entry; those in one currency balance by themselves."""
    said = f"{entry['kind'].capitalize()} {entry['objectId']}"
    day = day_of(entry["postedAt"].replace(tzinfo=UTC), zone).isoformat()
    return [
        (
            day,
            entry["_id"],
            entry["objectId"],
            said,
            line["account"],
            max(line["amount"], 0) or None,
            max(-line["amount"], 0) or None,
            line["currency"],
        )
        for line in entry["lines"]
        if wanted.currency in {None, line["currency"]}
    ]


def _moment(at: datetime) -> str:
    """Write a moment of the database, which is in UTC."""
    return f"{at.isoformat(timespec='seconds')}Z"
