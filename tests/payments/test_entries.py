"""The bookings balance, are never changed, and come to the target in whatever steps."""

import asyncio
import itertools
from collections.abc import Sequence

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from service.payments.entries import repository
from service.payments.entries.documents import Entry
from service.payments.entries.errors import Unbalanced
from service.payments.entries.operations import Posting, balances_of, post
from service.payments.entries.repository import find_of
from service.payments.entries.states import (
    FEES,
    REFUNDS,
    SALES,
    Balances,
    clearing,
    difference,
    total,
    unbalanced,
)
from service.storage.answering import Duplicate
from service.storage.database import Database
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction
from tests.conftest import NOON

STRIPE = clearing("stripe")
PAID: Balances = {(STRIPE, "USD"): 1000, (SALES, "USD"): -1000}
FEE_TOLD: Balances = {(STRIPE, "USD"): 941, (SALES, "USD"): -1000, (FEES, "USD"): 59}
NOTHING: Balances = {}
KEYS = st.tuples(st.sampled_from([STRIPE, SALES, REFUNDS]), st.sampled_from(["USD", "JPY"]))
BALANCES = st.dictionaries(KEYS, st.integers(-(10**12), 10**12))


def _posting(target: Balances, object_id: str = "a" * 24, event_id: str = "e-1") -> Posting:
    return Posting("payment", object_id, "default", event_id, target)


async def _post(*postings: Posting) -> int:
    async def work(tx: Transaction) -> int:
        return await post(tx, postings, NOON)

    return await in_transaction(work)


@given(BALANCES, BALANCES)
def test_what_is_posted_and_the_difference_are_the_target(one: Balances, other: Balances) -> None:
    assert total((other, difference(one, other))) == total((one,))


@given(BALANCES)
def test_by_how_much_lines_do_not_balance_is_known_by_currency(balances: Balances) -> None:
    left = unbalanced(balances)
    assert left == {
        currency: amount
        for currency in ("USD", "JPY")
        if (amount := sum(a for (_, c), a in balances.items() if c == currency))
    }


async def test_only_what_is_missing_is_posted(database: Database) -> None:
    assert [await _post(_posting(one)) for one in (PAID, PAID, FEE_TOLD, FEE_TOLD)] == [1, 0, 1, 0]
    first, second = await find_of(["a" * 24])
    assert balances_of([first]) == PAID
    assert balances_of([second]) == {(STRIPE, "USD"): -59, (FEES, "USD"): 59}
    assert (first.id, second.id) == (f"payment:{'a' * 24}:1", f"payment:{'a' * 24}:2")


async def test_any_order_of_states_balances_like_the_last_one(database: Database) -> None:
    orders = list(itertools.permutations([PAID, FEE_TOLD, NOTHING]))
    for order in orders:
        object_id = str(ObjectId())
        for target in order:
            await _post(_posting(target, object_id))
        entries = await find_of([object_id])
        assert balances_of(entries) == order[-1]
        assert all(not unbalanced(balances_of([one])) for one in entries)


async def test_ten_entries_are_in_the_order_in_which_they_were_posted(database: Database) -> None:
    for n in range(12):
        await _post(_posting({(STRIPE, "USD"): n, (SALES, "USD"): -n}))
    assert [one.id.rpartition(":")[2] for one in await find_of(["a" * 24])] == [
        str(n) for n in range(1, 12)
    ]


async def test_twenty_who_post_for_one_object_at_once_post_once(database: Database) -> None:
    outcomes = await asyncio.gather(
        *(_post(_posting(PAID)) for _ in range(20)), return_exceptions=True
    )
    assert all(isinstance(one, Duplicate) or one in (0, 1) for one in outcomes)
    assert balances_of(await find_of(["a" * 24])) == PAID


async def test_without_the_number_in_the_id_they_would_post_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_row = Entry.new_row

    def unnumbered(row: dict[str, object], source: Posting) -> dict[str, object]:
        return new_row(row | {"_id": f"{row['_id']}:{ObjectId()}"}, source)

    monkeypatch.setattr(Entry, "new_row", unnumbered)
    both_looked = asyncio.Barrier(2)

    async def find_and_wait(object_ids: Sequence[str], tx: Transaction) -> list[Entry]:
        found = await find_of(object_ids, tx)
        await both_looked.wait()
        return found

    monkeypatch.setattr(repository, "find_of", find_and_wait)
    await asyncio.gather(_post(_posting(PAID)), _post(_posting(PAID)))
    assert await database["entries"].count_documents({}) == 2


async def test_lines_that_do_not_balance_are_refused(database: Database) -> None:
    with pytest.raises(Unbalanced, match="1 USD are left over"):
        await _post(_posting({(STRIPE, "USD"): 1001, (SALES, "USD"): -1000}))
    assert await database["entries"].count_documents({}) == 0
