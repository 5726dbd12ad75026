"""What a group has read is changed by its key alone: the snapshot keeps off everybody else."""

from collections.abc import Iterable
from typing import Any

import pytest

from service.storage.group_commit import stepping
from service.storage.group_commit.queue import Limits
from service.storage.group_commit.reading import Merged, read_all
from service.storage.group_commit.transactions import GroupTransaction
from service.storage.transaction import Transaction
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

OWNER = {"n", "_id"}


@pytest.fixture
def group() -> GroupTransaction:
    """Any number of works at once."""
    return GroupTransaction(Limits(items=100, lanes=1))


def _found_by(words: Words) -> list[set[str]]:
    """Return the fields by which each row was looked for that was changed."""
    commands = [command for name, command in words.sent if name == "update"]
    return [set(update["q"]) for command in commands for update in command["updates"]]


def _change(rows: Rows, name: str, *expected: int) -> Work:
    """Make a work that counts a row up once for each number that it expects to find there."""

    async def work(tx: Transaction) -> None:
        row = await find_row(rows, tx, name)
        for n in expected:
            wanted = {"_id": row and row["_id"], "n": n}
            await tx.update(rows, wanted, {"$inc": {"n": 1}})

    return work


async def test_a_row_that_was_read_as_it_is_wanted_is_found_by_its_key(
    group: GroupTransaction, rows: Rows, words: Words
) -> None:
    await make_rows(rows, words, "a", "b")
    await all_at_once(group, _change(rows, "a", 0), _change(rows, "b", 0))
    assert _found_by(words) == [{"_id"}, {"_id"}]
    assert await counts(rows) == {"a": 1, "b": 1}


async def test_the_second_change_of_a_work_says_what_it_expects(
    group: GroupTransaction, rows: Rows, words: Words
) -> None:
    await make_rows(rows, words, "a", "b")
    await all_at_once(group, _change(rows, "a", 0, 1), _change(rows, "b", 0))
    assert _found_by(words) == [{"_id"}, OWNER, {"_id"}]
    assert await counts(rows) == {"a": 2, "b": 1}


async def test_a_row_that_is_not_as_it_is_wanted_is_not_changed(
    group: GroupTransaction, rows: Rows, words: Words
) -> None:
    await make_rows(rows, words, "a", "b")
    await all_at_once(group, _change(rows, "a", 5), _change(rows, "b", 0))
    assert _found_by(words)[:2] == [OWNER, {"_id"}]
    assert await counts(rows) == {"a": 0, "b": 1}


def _overtaken(monkeypatch: pytest.MonkeyPatch, rows: Rows, *, in_snapshot: bool) -> None:
    """Have somebody else count row `a` up by ten, once the group has read it."""
    overtaken = iter([True])

    async def read_and_be_overtaken(tx: Any, asked: Iterable[Merged]) -> None:
        outside: Any = None
        await read_all(tx if in_snapshot else outside, asked)
        if next(overtaken, False):
            await rows.update_one({"name": "a"}, {"$inc": {"n": 10}})

    monkeypatch.setattr(stepping, "read_all", read_and_be_overtaken)


async def test_who_was_overtaken_since_it_read_begins_anew(
    group: GroupTransaction, rows: Rows, words: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_rows(rows, words, "a", "b")
    _overtaken(monkeypatch, rows, in_snapshot=True)
    assert await all_at_once(group, count_up(rows, "a"), count_up(rows, "b")) == [11, 1]
    assert await counts(rows) == {"a": 11, "b": 1}


async def test_control_read_outside_of_the_snapshot_the_other_change_is_lost(
    group: GroupTransaction, rows: Rows, words: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_rows(rows, words, "a", "b")
    _overtaken(monkeypatch, rows, in_snapshot=False)
    assert await all_at_once(group, count_up(rows, "a"), count_up(rows, "b")) == [1, 1]
    assert await counts(rows) == {"a": 1, "b": 1}
