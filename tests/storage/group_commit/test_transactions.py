"""Group transaction: works that don't meet commit together, and each is told what it did."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import pytest
from bson import ObjectId

from service.storage.answering import Duplicate
from service.storage.group_commit import stepping
from service.storage.group_commit import transactions as groups
from service.storage.group_commit.queue import Limits
from service.storage.group_commit.transactions import GroupTransaction
from service.storage.transaction import LookUp, Question, Transaction
from tests.storage.group_commit.conftest import Words
from tests.storage.group_commit.works import (
    Rows,
    Work,
    all_at_once,
    count_up,
    counts,
    find_row,
    make_rows,
)
from tests.support.patience import IN_TIME

WHO: ContextVar[str] = ContextVar("WHO", default="nobody")


@pytest.fixture
def group() -> GroupTransaction:
    """Any number of works at once."""
    return GroupTransaction(Limits(items=100, lanes=1))


async def test_a_lone_work_has_a_transaction_of_its_own(
    group: GroupTransaction, rows: Rows, words: Words
) -> None:
    assert await group.run(count_up(rows, "a"), 0) == 1
    assert await group.run(count_up(rows, "a"), 0) == 2
    assert words.count("commitTransaction") == 2


async def test_works_at_once_share_queries_writes_and_commit(
    group: GroupTransaction, rows: Rows, words: Words
) -> None:
    names = [f"n{number:02}" for number in range(20)]
    await make_rows(rows, words, *names[:10])
    assert await all_at_once(group, *(count_up(rows, name) for name in names)) == [1] * 20
    said = [word for word, _ in words.sent]
    assert said == ["find", "update", "insert", "commitTransaction"]
    assert await counts(rows) == dict.fromkeys(names, 1)


async def test_a_group_holds_no_more_works_than_its_limit(rows: Rows, words: Words) -> None:
    group = GroupTransaction(Limits(items=4, lanes=1))
    names = [f"n{number}" for number in range(10)]
    assert await all_at_once(group, *(count_up(rows, name) for name in names)) == [1] * 10
    assert words.sizes("insert") == [4, 4, 2]


async def test_two_works_of_one_row_never_share_a_group(
    group: GroupTransaction, rows: Rows, words: Words
) -> None:
    await make_rows(rows, words, "hot", "cold")
    works = [count_up(rows, "hot") for _ in range(5)]
    told = await all_at_once(group, *works, count_up(rows, "cold"))
    assert sorted(told[:5]) == [1, 2, 3, 4, 5]
    assert await counts(rows) == {"hot": 5, "cold": 1}
    assert words.sizes("update", "updates")[0] == 2  # the first of them, and the other row's
    assert words.count("commitTransaction") == 1 + 4


async def test_a_row_that_two_find_by_different_names_is_one_row(
    group: GroupTransaction, rows: Rows, words: Words
) -> None:
    await make_rows(rows, words, "hot")
    told = await all_at_once(group, count_up(rows, "hot"), count_up(rows, "hot", "also"))
    assert sorted(told) == [1, 2]
    assert words.count("commitTransaction") == 2
    assert words.count("abortTransaction") == 0


async def test_two_works_that_would_insert_the_same_row_never_share_a_group(
    group: GroupTransaction, rows: Rows, words: Words
) -> None:
    assert sorted(await all_at_once(group, count_up(rows, "new"), count_up(rows, "new"))) == [1, 2]
    assert words.count("abortTransaction") == 0


def _no_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepping, "_claim", lambda *_: None)


async def test_without_claims_the_count_of_what_was_written_gives_the_group_up(
    group: GroupTransaction, rows: Rows, words: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    _no_claims(monkeypatch)
    await make_rows(rows, words, "hot")
    assert sorted(await all_at_once(group, *[count_up(rows, "hot")] * 3)) == [1, 2, 3]
    assert await counts(rows) == {"hot": 3}


async def test_control_without_claims_and_count_a_change_is_lost(
    group: GroupTransaction, rows: Rows, words: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def uncounted(tx: Any, writes: Any) -> None:
        for write in writes:
            with suppress(stepping.Mismatched):
                await stepping.write_all(tx, [write])

    _no_claims(monkeypatch)
    monkeypatch.setattr(groups, "write_all", uncounted)
    await make_rows(rows, words, "hot")
    assert await all_at_once(group, *[count_up(rows, "hot")] * 3) == [1, 1, 1]
    assert await counts(rows) == {"hot": 1}


def _own(rows: Rows, name: str) -> Work:
    """Make a work that takes the driver's session."""

    async def work(tx: Transaction) -> str:
        session = tx.session
        await rows.insert_one({"shop": "a", "name": name, "n": 1}, session=session)
        return name

    return work


def _sleepy(rows: Rows, name: str) -> Work:
    """Make a work that waits for something else on its way, in a block that must be left."""

    async def work(tx: Transaction) -> int:
        async with asyncio.timeout(IN_TIME):
            await asyncio.sleep(0.001)
        return int(await count_up(rows, name)(tx))

    return work


def _beside(rows: Rows, name: str) -> Work:
    """Make a work that reads outside of its transaction."""

    async def work(tx: Transaction) -> int:
        await rows.find_one({"name": name})
        return int(await count_up(rows, name)(tx))

    return work


def _stubborn(rows: Rows, name: str) -> Work:
    """Make a work that can't be left where it waits: it waits again at its end."""

    async def work(tx: Transaction) -> int:
        try:
            await asyncio.sleep(0.001)
        finally:
            await asyncio.sleep(0.001)
        return int(await count_up(rows, name)(tx))

    return work


@pytest.mark.parametrize("odd", [_own, _sleepy, _beside, _stubborn])
async def test_a_work_that_a_group_can_not_carry_runs_alone(
    group: GroupTransaction, rows: Rows, words: Words, odd: Callable[[Rows, str], Work]
) -> None:
    names = ["n1", "n2", "n3"]
    told = await all_at_once(group, odd(rows, "odd"), *(count_up(rows, name) for name in names))
    assert told[1:] == [1, 1, 1]
    assert told[0] in {1, "odd"}
    assert await counts(rows) == dict.fromkeys(["odd", *names], 1)
    assert words.sizes("insert") == [3, 1]
    assert words.count("commitTransaction") == 2


async def test_a_work_that_looks_after_it_wrote_runs_alone(
    group: GroupTransaction, rows: Rows, words: Words
) -> None:
    async def work(tx: Transaction) -> int:
        await count_up(rows, "own")(tx)
        row = await find_row(rows, tx, "own")
        return int(row["n"]) if row else 0

    assert await all_at_once(group, work, count_up(rows, "other")) == [1, 1]
    assert words.count("commitTransaction") == 2


async def test_a_work_that_raises_writes_nothing_and_fails_nobody(
    group: GroupTransaction, rows: Rows, words: Words
) -> None:
    async def work(tx: Transaction) -> None:
        await count_up(rows, "half")(tx)
        raise ValueError("no")

    told = await all_at_once(group, count_up(rows, "a"), work, count_up(rows, "b"))
    assert [told[0], type(told[1]), told[2]] == [1, ValueError, 1]
    assert await counts(rows) == {"a": 1, "b": 1}
    assert words.count("commitTransaction") == 1


async def test_a_duplicate_key_fails_only_its_own_caller(
    group: GroupTransaction, rows: Rows, words: Words
) -> None:
    async def work(tx: Transaction) -> None:
        await count_up(rows, "half")(tx)
        await tx.insert(rows, {"_id": ObjectId(), "shop": "a", "name": "taken"})

    await make_rows(rows, words, "taken")
    told = await all_at_once(group, count_up(rows, "a"), work, count_up(rows, "b"))
    assert [told[0], type(told[1]), told[2]] == [1, Duplicate, 1]
    assert await counts(rows) == {"a": 1, "b": 1, "taken": 0}


async def test_a_row_that_the_validator_refuses_fails_only_its_own_caller(
    group: GroupTransaction, rows: Rows
) -> None:
    async def work(tx: Transaction) -> None:
        await tx.insert(rows, {"_id": ObjectId(), "shop": "a", "name": "x", "amount": 1.5})

    told = await all_at_once(group, count_up(rows, "a"), work)
    assert [told[0], getattr(told[1], "code", None)] == [1, 121]
    assert await counts(rows) == {"a": 1}


@pytest.mark.parametrize("wrong", ["\ud800", 2**70])
async def test_what_can_not_be_encoded_fails_only_its_own_caller(
    group: GroupTransaction, rows: Rows, wrong: Any
) -> None:
    async def asks(tx: Transaction) -> None:
        await find_row(rows, tx, wrong)

    async def writes(tx: Transaction) -> None:
        await tx.insert(rows, {"_id": ObjectId(), "shop": "a", "name": wrong})

    told = await all_at_once(group, count_up(rows, "a"), asks, writes, count_up(rows, "b"))
    assert [told[0], told[3]] == [1, 1]
    assert all(isinstance(one, OverflowError | UnicodeEncodeError) for one in told[1:3])
    assert await counts(rows) == {"a": 1, "b": 1}


async def test_every_work_runs_in_the_context_of_its_own_caller(
    group: GroupTransaction, rows: Rows
) -> None:
    def who(name: str, odd: Callable[[Rows, str], Work]) -> Work:
        async def work(tx: Transaction) -> str:
            before = WHO.get()
            await odd(rows, name)(tx)
            return f"{before} {WHO.get()}"

        return work

    async def caller(name: str, odd: Callable[[Rows, str], Work]) -> Any:
        WHO.set(name)
        return await group.run(who(name, odd), 0)

    told = await asyncio.gather(
        caller("a", count_up), caller("b", count_up), caller("c", _own), caller("d", _sleepy)
    )
    assert told == ["a a", "b b", "c c", "d d"]
    assert await caller("e", count_up) == "e e"


def _ahead(rows: Rows, name: str) -> Work:
    """Make a work that says ahead what it will ask, of two collections, and then counts up."""

    async def work(tx: Transaction) -> int:
        asked = Question(rows, (LookUp("name", (name,), fixed={"shop": "a"}),))
        beside = Question(rows.database["beside"], (LookUp("_id", (name,)),))
        await tx.look_ahead([asked, beside])
        if await tx.look_up(beside):
            return 0
        return int(await count_up(rows, name)(tx))

    return work


async def test_what_is_said_ahead_is_read_by_one_query_over_collections(
    group: GroupTransaction, rows: Rows, words: Words
) -> None:
    names = [f"n{number}" for number in range(6)]
    await rows.database["beside"].replace_one({"_id": "n1"}, {}, upsert=True)
    await make_rows(rows, words, *names[:3])
    told = await all_at_once(group, *(_ahead(rows, name) for name in names))
    assert told == [1, 0, 1, 1, 1, 1]
    said = [word for word, _ in words.sent]
    assert said == ["aggregate", "update", "insert", "commitTransaction"]
    assert await counts(rows) == dict.fromkeys(names, 1) | {"n1": 0}


async def test_two_works_that_say_the_same_ahead_never_share_a_group(
    group: GroupTransaction, rows: Rows, words: Words
) -> None:
    await make_rows(rows, words, "hot")
    told = await all_at_once(group, *(_ahead(rows, name) for name in ("hot", "cold", "hot")))
    assert sorted(told) == [1, 1, 2]
    assert await counts(rows) == {"hot": 2, "cold": 1}
    assert words.count("abortTransaction") == 0


async def test_what_was_read_ahead_is_not_given_again_once_the_work_wrote_beside_it(
    group: GroupTransaction, rows: Rows, words: Words
) -> None:
    async def twice(tx: Transaction) -> int:
        await _ahead(rows, "own")(tx)
        return int(await count_up(rows, "own")(tx))

    assert await all_at_once(group, twice, _ahead(rows, "other")) == [2, 1]
    assert await counts(rows) == {"own": 2, "other": 1}
