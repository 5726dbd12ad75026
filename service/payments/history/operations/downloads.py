"""All payments of a list as one file, page by page: it never stands in memory as a whole."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias

from service.audit.operations import Act, record
from service.core.json_text import to_json
from service.core.paging import Cursor
from service.core.principal import Kind, Principal
from service.core.spreadsheets import csv_lines
from service.core.strict_json import JsonObject
from service.payments.history import repository
from service.payments.history.errors import TooMuch
from service.payments.history.operations.gather import Told, list_payments
from service.payments.history.repository import PaymentFilter
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION

Format: TypeAlias = Literal["csv", "json"]
Rows: TypeAlias = Sequence[object]
"""Payments as they are shown."""

MOST_ROWS: Final = 50_000
"""How many payments a file has at most."""

_PAGE = 200


async def count_file(wanted: PaymentFilter) -> int:
    """Count what a file has, and refuse one of too many. Raises `TooMuch`, `Unavailable`."""
    async with answers_in_time():
        found = await repository.count(wanted, MOST_ROWS + 1)
    if found > MOST_ROWS:
        message = f"covers up to {MOST_ROWS} payments: name a userId, or read pages by cursor"
        raise TooMuch("format", message)
    return found


async def note_taken(
    wanted: PaymentFilter, file: tuple[Format, int], by: Principal, now: datetime
) -> None:
    """Record what a key takes; a user takes what is their own. Raises `Unavailable`."""
    if by.kind is Kind.USER:
        return
    format_, found = file
    detail: JsonObject = {"format": format_, "userId": wanted.user_id, "payments": found}
    act = Act("payments.downloaded", "payments", detail=detail)
    async with answers_in_time():
        await record(NO_TRANSACTION, by, act, now)


async def pages(wanted: PaymentFilter) -> AsyncIterator[Sequence[Told]]:
    """Yield all payments of a list, newest first."""
    cursor: Cursor | None = None
    for _ in range(-(-MOST_ROWS // _PAGE)):
        found, cursor = await list_payments(wanted, cursor=cursor, limit=_PAGE)
        yield found
        if cursor is None:
            return


async def as_json(
    lists: AsyncIterator[Sequence[Told]], shown: Callable[[Told], object]
) -> AsyncIterator[bytes]:
    """Yield a JSON document `{"payments": […]}`."""
    before = b'{"payments":['
    async for told in lists:
        for one in told:
            yield before + to_json(shown(one))
            before = b",\n"
    yield b"]}\n" if before == b",\n" else before + b"]}\n"


async def as_csv(
    lists: AsyncIterator[Sequence[Told]],
    header: Sequence[str],
    shown: Callable[[Told], Sequence[object]],
) -> AsyncIterator[bytes]:
    """Yield a table of RFC 4180: a header, then a row for each payment."""
    yield csv_lines([header])
    async for told in lists:
        yield csv_lines([shown(one) for one in told])
