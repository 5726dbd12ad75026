"""Group insert: one command for many, and for each the answer that it would have had alone."""

import asyncio
from typing import Any

import pytest
from bson import ObjectId
from bson.errors import InvalidDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError, WriteError

from service.core.errors import Unavailable
from service.storage.database import Client, Row
from service.storage.group_commit.inserts import GroupInsert
from service.storage.group_commit.queue import GroupQueue, Limits
from tests.storage.failing import failing
from tests.storage.group_commit.conftest import Words

Rows = AsyncCollection[Row]


def _row(name: str, amount: Any = 1, **more: Any) -> Row:
    return {"_id": ObjectId(), "shop": "a", "name": name, "amount": amount, **more}


@pytest.fixture
def inserts(rows: Rows) -> GroupInsert:
    """Inserts of any number at once."""
    return GroupInsert(lambda: rows, Limits(items=100, lanes=1))


async def _all(inserts: GroupInsert, *rows: Row) -> list[BaseException | None]:
    """Insert rows at once, and return what each is told."""
    return await asyncio.gather(*(inserts.insert(row) for row in rows), return_exceptions=True)


async def _names(rows: Rows) -> list[str]:
    return sorted(row["name"] for row in await rows.find({}).to_list())


async def test_a_lone_insert_is_one_command(inserts: GroupInsert, words: Words, rows: Rows) -> None:
    await inserts.insert(_row("one"))
    assert words.sizes("insert") == [1]
    assert await _names(rows) == ["one"]


async def test_inserts_at_once_are_one_command(
    inserts: GroupInsert, words: Words, rows: Rows
) -> None:
    names = [f"n{number:02}" for number in range(60)]
    assert await _all(inserts, *map(_row, names)) == [None] * 60
    assert words.sizes("insert") == [60]
    assert await _names(rows) == names


async def test_what_comes_while_a_command_is_under_way_goes_with_the_next(
    inserts: GroupInsert, words: Words
) -> None:
    first = asyncio.create_task(inserts.insert(_row("first")))
    await words.next("insert")
    await asyncio.gather(first, *(inserts.insert(_row(f"n{n}")) for n in range(9)))
    assert words.sizes("insert") == [1, 9]


async def test_a_caller_is_answered_once_its_row_is_there(inserts: GroupInsert, rows: Rows) -> None:
    async def insert_and_look(name: str) -> Row | None:
        await inserts.insert(_row(name))
        return await rows.find_one({"name": name})

    found = await asyncio.gather(*(insert_and_look(f"n{n}") for n in range(30)))
    assert [row["name"] for row in found if row] == [f"n{n}" for n in range(30)]


async def test_a_duplicate_fails_only_its_own_caller(inserts: GroupInsert, rows: Rows) -> None:
    await rows.insert_one(_row("taken"))
    told = await _all(inserts, _row("a"), _row("taken"), _row("b"), _row("twice"), _row("twice"))
    assert [type(one) for one in told] == [
        type(None),
        DuplicateKeyError,
        type(None),
        type(None),
        DuplicateKeyError,
    ]
    assert await _names(rows) == ["a", "b", "taken", "twice"]


async def test_an_error_in_a_group_is_the_error_alone(inserts: GroupInsert, rows: Rows) -> None:
    await rows.insert_one(_row("taken"))
    for wrong in (_row("taken"), _row("float", 1.5)):
        with pytest.raises(WriteError) as alone:
            await inserts.insert(wrong)
        _, grouped = await _all(inserts, _row(f"fine{wrong['name']}"), wrong)
        assert type(grouped) is type(alone.value)
        assert isinstance(grouped, WriteError)
        assert grouped.code == alone.value.code
        assert (grouped.details or {}).get("keyPattern") == (alone.value.details or {}).get(
            "keyPattern"
        )


async def test_a_row_that_the_validator_refuses_fails_only_itself(
    inserts: GroupInsert, words: Words, rows: Rows
) -> None:
    told = await _all(inserts, _row("a"), _row("float", 1.5), _row("b"))
    assert [getattr(one, "code", None) for one in told] == [None, 121, None]
    assert await _names(rows) == ["a", "b"]
    assert words.sizes("insert") == [3]


@pytest.mark.parametrize("wrong", [{"amount": 2**64}, {"set": {1, 2}}, {"text": "\ud800"}])
async def test_a_row_that_can_not_be_encoded_fails_only_itself(
    inserts: GroupInsert, rows: Rows, wrong: Row
) -> None:
    told = await _all(inserts, _row("a"), _row("wrong") | wrong, _row("b"))
    assert [told[0], told[2]] == [None, None]
    assert isinstance(told[1], OverflowError | InvalidDocument | UnicodeEncodeError)
    assert await _names(rows) == ["a", "b"]


FAILURES: list[dict[str, Any]] = [
    {"errorCode": 8},
    {"closeConnection": True},
    {"writeConcernError": {"code": 64, "errmsg": "no majority yet"}},
    {"writeConcernError": {"code": 64, "errmsg": "no", "errInfo": {"wtimeout": True}}},
]


@pytest.mark.parametrize("how", FAILURES)
async def test_a_command_that_fails_is_done_again_and_nobody_hears_of_it(
    inserts: GroupInsert, own_client: Client, words: Words, rows: Rows, how: dict[str, Any]
) -> None:
    """By the driver what is cut, by us the rest, alone. Also nobody gets a false duplicate."""
    await rows.insert_one(_row("taken"))
    words.sent.clear()
    async with failing(own_client, ["insert"], mode={"times": 1}, **how):
        told = await _all(inserts, _row("a"), _row("taken"), _row("b"))
    assert [type(one) for one in told] == [type(None), DuplicateKeyError, type(None)]
    assert await _names(rows) == ["a", "b", "taken"]
    assert words.sizes("insert")[0] == 3


async def test_control_without_the_second_try_all_fail(
    inserts: GroupInsert, own_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def all_fail(entries: Any) -> list[Exception | None]:
        return [Unavailable("no")] * len(entries)

    monkeypatch.setattr(inserts, "_together", all_fail)
    async with failing(own_client, ["insert"], mode={"times": 1}, errorCode=8):
        told = await _all(inserts, _row("a"), _row("b"))
    assert [type(one) for one in told] == [Unavailable, Unavailable]


async def test_control_without_the_look_at_its_own_id_a_second_try_is_a_false_duplicate(
    inserts: GroupInsert, own_client: Client, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def plainly(row: Row) -> None:
        await rows.insert_one(row)

    monkeypatch.setattr(inserts, "_insert", plainly)
    how = {"writeConcernError": {"code": 64, "errmsg": "no majority yet"}}
    async with failing(own_client, ["insert"], mode={"times": 1}, **how):
        told = await _all(inserts, _row("a"), _row("b"))
    assert [type(one) for one in told] == [DuplicateKeyError, DuplicateKeyError]


@pytest.mark.usefixtures("impatient")
async def test_a_database_that_goes_on_failing_is_unavailable_to_each(
    inserts: GroupInsert, own_client: Client
) -> None:
    async with failing(own_client, ["insert"], closeConnection=True):
        told = await _all(inserts, _row("a"), _row("b"))
    assert [type(one) for one in told] == [Unavailable, Unavailable]
    assert told[0] is not told[1]  # an error grows with each place where it is raised


@pytest.mark.usefixtures("impatient")
async def test_a_lone_row_that_no_majority_has_acknowledged_is_unavailable(
    inserts: GroupInsert, own_client: Client
) -> None:
    how = {"writeConcernError": {"code": 100, "errmsg": "not enough members"}}
    async with failing(own_client, ["insert"], **how):
        assert [type(one) for one in await _all(inserts, _row("a"))] == [Unavailable]


async def test_a_row_that_no_majority_has_is_not_told_to_be_there(
    inserts: GroupInsert, own_client: Client, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A duplicate-key error can come before the row that it met is durable."""

    async def not_yet(*_: object, **__: object) -> None:
        return None

    class Stalled:
        """The collection, whose majority stands still: what was inserted is not read yet."""

        name, database, codec_options = rows.name, rows.database, rows.codec_options
        write_concern, insert_one, find_one = rows.write_concern, rows.insert_one, not_yet

    stalled: Any = Stalled
    monkeypatch.setattr(inserts, "_collection", lambda: stalled)
    how = {"writeConcernError": {"code": 64, "errmsg": "no majority yet"}}
    async with failing(own_client, ["insert"], mode={"times": 1}, **how):
        told = await _all(inserts, _row("a"), _row("b"))
    assert [type(one) for one in told] == [Unavailable, Unavailable]


async def test_a_cancelled_caller_in_the_queue_is_left_out_and_one_under_way_is_inserted(
    inserts: GroupInsert, words: Words, rows: Rows
) -> None:
    under_way = asyncio.create_task(inserts.insert(_row("under way")))
    await words.next("insert")
    waiting = asyncio.create_task(inserts.insert(_row("waiting")))
    stays = asyncio.create_task(inserts.insert(_row("stays")))
    await asyncio.sleep(0)
    under_way.cancel()
    waiting.cancel()
    await asyncio.wait({under_way, waiting})
    await stays
    assert await _names(rows) == ["stays", "under way"]


async def test_callers_may_leave_in_any_step_and_the_others_are_served(
    inserts: GroupInsert, rows: Rows
) -> None:
    tasks = [asyncio.create_task(inserts.insert(_row(f"n{n:02}"))) for n in range(40)]
    for number, task in enumerate(tasks):
        if number % 3 == 0:
            task.cancel()
            await asyncio.sleep(0)
    told = await asyncio.gather(*tasks, return_exceptions=True)
    stayed = {f"n{n:02}" for n in range(40) if told[n] is None}
    assert len(stayed) >= 26
    assert stayed <= set(await _names(rows))
    assert {type(one) for one in told} <= {type(None), asyncio.CancelledError}
    queue: GroupQueue[Any, Any] = inserts.queue
    assert not queue._waiting
