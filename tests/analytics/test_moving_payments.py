"""A file of payments has each once, whatever becomes of them while it is read."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from service.analytics.operations.exporting import transactions_csv
from service.analytics.repository import exports
from service.analytics.repository.exports import Wanted
from service.payments.payments.documents import Payment
from service.storage.ahead import read_ahead
from service.storage.database import Database, Row
from tests.analytics.rows import change
from tests.conftest import NOON
from tests.payments.history.rows import pay

_PAYMENTS, _AT_ONCE = 60, 7
_WANTED = Wanted("default", (NOON - timedelta(days=1), NOON + timedelta(days=1)))
_MOVE = range(30, 36)
"""Which are paid once the first of the file is read; none before the oldest was."""


@pytest.fixture
async def waiting(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    """Payments that are under way, newest first, and the oldest, which is paid."""
    monkeypatch.setattr(exports, "BATCH", _AT_ONCE)
    states = ["pending"] * (_PAYMENTS - 1) + ["succeeded"]
    return [await pay(f"pi_{n}", -n, status=state) for n, state in enumerate(states)]


async def _while_some_are_paid(rows: Sequence[Row], lists: AsyncIterator[bytes]) -> str:
    text = b""
    async for some in lists:
        if not text:
            for n in _MOVE:
                await change("payments", rows[n], status="succeeded")
        text += some
    return text.decode()


async def test_a_file_has_each_payment_once_while_some_are_paid(waiting: list[Row]) -> None:
    ids = [str(row["_id"]) for row in waiting]
    table = await _while_some_are_paid(waiting, transactions_csv(_WANTED, metadata=False))
    found = [*csv.DictReader(io.StringIO(table, newline=""))]
    assert [row["Transaction ID"] for row in found] == ids
    assert {found[n]["Status"] for n in _MOVE} == {"succeeded"}


async def test_one_cursor_passes_by_what_is_paid_meanwhile(waiting: list[Row]) -> None:
    """The control: it holds the oldest of those that are paid before it comes to the others."""

    async def ids() -> AsyncIterator[bytes]:
        found = Payment.get_pymongo_collection().find(
            _WANTED.payments, hint="merchant_status_createdAt_id"
        )
        in_order = found.sort([("createdAt", -1), ("_id", -1)])
        async for rows in read_ahead(in_order, _AT_ONCE, 30):
            yield b"".join(b"%s\n" % str(row["_id"]).encode() for row in rows)

    found = (await _while_some_are_paid(waiting, ids())).split()
    left_out = {str(waiting[n]["_id"]) for n in _MOVE}
    assert found == [id_ for row in waiting if (id_ := str(row["_id"])) not in left_out]


@pytest.mark.parametrize("payments", [_AT_ONCE - 1, _AT_ONCE, 3 * _AT_ONCE, 3 * _AT_ONCE + 1])
async def test_payments_of_one_moment_are_read_to_their_end(
    database: Database, payments: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import may have made all of them at once; what is before and behind is read, too."""
    monkeypatch.setattr(exports, "BATCH", _AT_ONCE)
    rows = [await pay("pi_before", -5)]
    rows += [await pay(f"pi_{n}", status=("failed", "pending")[n % 2]) for n in range(payments)]
    rows.append(await pay("pi_behind", 5))
    read = [
        one async for some in exports.payments(_WANTED, metadata=False, aware=True) for one in some
    ]
    assert [row["_id"] for row in read] == [row["_id"] for row in reversed(rows)]
