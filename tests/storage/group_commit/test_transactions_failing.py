"""Group transaction: what goes wrong in a group fails nobody who would have succeeded alone."""

import asyncio
from typing import Any

import pytest
from bson import ObjectId
from pymongo import monitoring

from service.core.errors import Unavailable
from service.storage import plain as storage
from service.storage.database import Client
from service.storage.group_commit.queue import Limits
from service.storage.group_commit.transactions import GroupTransaction
from service.storage.transaction import Transaction
from tests.storage.failing import failing
from tests.storage.group_commit.conftest import Words
from tests.storage.group_commit.works import (
    Rows,
    all_at_once,
    count_up,
    counts,
    make_rows,
)
from tests.support.patience import IN_TIME


@pytest.fixture
def group() -> GroupTransaction:
    """Any number of works at once."""
    return GroupTransaction(Limits(items=100, lanes=1))


class _Stranger:
    """A transaction of somebody else that has changed a row, and has not ended."""

    def __init__(self, rows: Rows, name: str) -> None:
        self._rows, self._name = rows, name
        self._session = rows.database.client.start_session()

    async def __aenter__(self) -> None:
        await self._session.start_transaction()
        change = {"$set": {"stranger": True}}
        await self._rows.update_one({"name": self._name}, change, session=self._session)

    async def __aexit__(self, *_: object) -> None:
        await self._session.end_session()


async def test_a_conflict_from_outside_holds_only_who_meets_it(
    group: GroupTransaction, rows: Rows, words: Words
) -> None:
    await make_rows(rows, words, "locked", "a", "b")
    names = ["a", "locked", "b"]
    async with _Stranger(rows, "locked"):
        tasks = [asyncio.create_task(group.run(count_up(rows, name), 0)) for name in names]
        async with asyncio.timeout(IN_TIME):
            assert await asyncio.gather(tasks[0], tasks[2]) == [1, 1]
        assert not tasks[1].done()
    assert await tasks[1] == 1
    assert await counts(rows) == dict.fromkeys(names, 1)


async def test_works_that_meet_a_lock_do_not_hold_up_strangers(rows: Rows, words: Words) -> None:
    group = GroupTransaction(Limits(items=32, lanes=2))
    await make_rows(rows, words, "locked", "a")
    async with _Stranger(rows, "locked"):
        stuck = []
        for _ in range(3):
            stuck.append(asyncio.create_task(group.run(count_up(rows, "locked"), 0)))
            await asyncio.sleep(0.01)
        assert await group.run(count_up(rows, "a"), 0) == 1
        assert not any(one.done() for one in stuck)  # they still wait, and nobody waits for them
    assert sorted(await asyncio.gather(*stuck)) == [1, 2, 3]


COMMITS: list[dict[str, Any]] = [
    {"closeConnection": True},
    {"writeConcernError": {"code": 64, "errmsg": "no majority yet"}},
    {"writeConcernError": {"code": 64, "errmsg": "no", "errInfo": {"wtimeout": True}}},
]


@pytest.mark.parametrize("how", COMMITS)
@pytest.mark.parametrize("times", [1, 2])
async def test_a_commit_whose_outcome_is_unknown_is_asked_for_again_and_done_once(
    group: GroupTransaction,
    rows: Rows,
    words: Words,
    own_client: Client,
    how: dict[str, Any],
    times: int,
) -> None:
    await make_rows(rows, words, "a", "b")
    async with failing(own_client, ["commitTransaction"], mode={"times": times}, **how):
        assert await all_at_once(group, count_up(rows, "a"), count_up(rows, "b")) == [1, 1]
    assert await counts(rows) == {"a": 1, "b": 1}
    assert words.sizes("update", "updates") == [2]  # never given up


@pytest.mark.parametrize("command", ["find", "update", "commitTransaction"])
async def test_a_group_that_fails_is_done_again_alone_and_nobody_hears_of_it(
    group: GroupTransaction, rows: Rows, words: Words, own_client: Client, command: str
) -> None:
    await make_rows(rows, words, "a", "b")
    how = {"errorCode": 251, "errorLabels": ["TransientTransactionError"]}
    async with failing(own_client, [command], mode={"times": 1}, **how):
        assert await all_at_once(group, count_up(rows, "a"), count_up(rows, "b")) == [1, 1]
    assert await counts(rows) == {"a": 1, "b": 1}
    assert words.count("commitTransaction") == (3 if command == "commitTransaction" else 2)


@pytest.mark.usefixtures("impatient")
async def test_nothing_is_told_to_be_done_that_could_not_be_committed(
    group: GroupTransaction, rows: Rows, words: Words, own_client: Client
) -> None:
    await make_rows(rows, words, "a", "b")
    how = {"errorCode": 251, "errorLabels": ["TransientTransactionError"]}
    async with failing(own_client, ["commitTransaction"], **how):
        told = await all_at_once(group, count_up(rows, "a"), count_up(rows, "b"))
    assert [type(one) for one in told] == [Unavailable, Unavailable]
    assert told[0] is not told[1]
    assert await counts(rows) == {"a": 0, "b": 0}


async def test_a_result_is_given_only_after_the_commit(
    group: GroupTransaction, rows: Rows, words: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_before: list[bool] = []
    tasks: list[asyncio.Task[Any]] = []

    def committed(event: monitoring.CommandSucceededEvent) -> None:
        if event.command_name == "commitTransaction":
            told_before.extend(task.done() for task in tasks)

    monkeypatch.setattr(words, "succeeded", committed)
    tasks += [asyncio.create_task(group.run(count_up(rows, name), 0)) for name in "abc"]
    await asyncio.gather(*tasks)
    assert told_before == [False] * 3


async def test_control_without_the_commit_what_was_told_is_not_there(
    group: GroupTransaction, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forgotten(session: object) -> None:
        pass

    monkeypatch.setattr(storage, "_commit", forgotten)
    assert await all_at_once(group, count_up(rows, "a"), count_up(rows, "b")) == [1, 1]
    assert await counts(rows) == {}


STALL: dict[str, Any] = {"blockConnection": True, "blockTimeMS": 2500}


@pytest.mark.parametrize("command", ["find", "abortTransaction"])
async def test_a_group_that_stalls_is_given_up_in_time(
    group: GroupTransaction,
    rows: Rows,
    words: Words,
    own_client: Client,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    await make_rows(rows, words, "taken")
    if command == "find":
        request.getfixturevalue("impatient")
    else:  # what is done alone after it has all the time
        monkeypatch.setattr(storage, "_LET_GO_WITHIN_S", storage._LET_GO_WITHIN_S / 5)

    async def work(tx: Transaction) -> None:
        await tx.insert(rows, {"_id": ObjectId(), "shop": "a", "name": "taken"})

    async with failing(own_client, [command], **STALL):
        told = await all_at_once(group, count_up(rows, "a"), work, count_up(rows, "b"))
        # A stalled word that is waited for is answered.
        assert command not in words.answered
    wanted = [Unavailable] * 2 if command == "find" else [int] * 2
    assert [type(told[0]), type(told[2])] == wanted


async def test_works_of_one_row_in_a_stall_are_not_tried_for_ever(
    group: GroupTransaction, rows: Rows, words: Words, own_client: Client, impatient: None
) -> None:
    await make_rows(rows, words, "hot")
    async with failing(own_client, ["find"], mode={"skip": 1}, **STALL):
        told = await all_at_once(group, *[count_up(rows, "hot")] * 12)
        tried = words.count("find")
    assert tried <= 4, "each of the twelve has tried"
    assert told[0] == 1
    assert {type(one) for one in told[1:]} == {Unavailable}


async def _at_the_server(client: Client, command: str) -> None:
    """Wait until a command has been sent: a cancellation while it is, `wait_for` swallows."""
    wanted = {"currentOp": 1, "$all": True, f"command.{command}": 1}
    async with asyncio.timeout(IN_TIME):
        while not (await client.admin.command(wanted))["inprog"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_group_that_is_stopped_under_way_tells_all_and_leaves_no_lock(
    group: GroupTransaction, rows: Rows, words: Words, own_client: Client
) -> None:
    await make_rows(rows, words, "a", "b")
    how = {"blockConnection": True, "blockTimeMS": 1500}
    async with failing(own_client, ["commitTransaction"], **how):
        works = [count_up(rows, "a"), count_up(rows, "b")]
        tasks = [asyncio.create_task(group.run(work, 0)) for work in works]
        await _at_the_server(own_client, "commitTransaction")
        waiting = asyncio.create_task(group.run(count_up(rows, "a"), 0))
        await asyncio.sleep(0)
        [lane] = group.queue._lanes
        lane.cancel()
        told = await asyncio.gather(*tasks, waiting, return_exceptions=True)
    assert [type(one) for one in told] == [Unavailable] * 3
    stood = (await counts(rows))["a"]
    assert await group.run(count_up(rows, "a"), 0) == stood + 1


async def test_a_caller_that_leaves_the_queue_is_left_out_and_one_under_way_is_done(
    group: GroupTransaction, rows: Rows, words: Words
) -> None:
    first = asyncio.create_task(group.run(count_up(rows, "under way"), 0))
    await words.next("find")
    waiting = asyncio.create_task(group.run(count_up(rows, "waiting"), 0))
    stays = asyncio.create_task(group.run(count_up(rows, "stays"), 0))
    await asyncio.sleep(0)
    first.cancel()
    waiting.cancel()
    await asyncio.wait({first, waiting})
    assert await stays == 1
    assert await counts(rows) == {"under way": 1, "stays": 1}
