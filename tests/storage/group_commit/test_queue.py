"""The queue: what goes together, who waits for whom, and that everybody gets an answer."""

import asyncio
import gc
from collections.abc import Sequence
from typing import Any

import pytest

from service.core.errors import Unavailable
from service.sessions import repository as sessions
from service.sessions.documents import Session
from service.sessions.repository import changing
from service.storage.database import Client
from service.storage.group_commit import queue as queues
from service.storage.group_commit.inserts import GroupInsert
from service.storage.group_commit.queue import Entry, GroupQueue, Limits
from tests.sessions.asking import payment_body
from tests.storage.failing import failing
from tests.support.api import Api
from tests.support.patience import IN_TIME

_ANSWER_S, _PATIENCE_S, _ANSWERED_AFTER_S = (
    queues.ANSWER_WITHIN_S,
    queues.PATIENCE_S,
    queues.ANSWERED_AFTER_S,
)


def _limit_to(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    for name in ("ANSWER_WITHIN_S", "PATIENCE_S", "ANSWERED_AFTER_S"):
        monkeypatch.setattr(queues, name, seconds)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit ends anything, however busy the machine is, but in tests that set a short one."""
    _limit_to(monkeypatch, 10 * IN_TIME)


def test_a_caller_waits_for_three_seconds_and_a_lane_for_a_quarter() -> None:
    assert (_ANSWER_S, _PATIENCE_S, _ANSWERED_AFTER_S) == (3.0, 0.25, 2.0)


class Carrier:
    """Carries when it is let, and keeps the groups; it answers each with its own item."""

    def __init__(self, limits: Limits, *, free: bool = True) -> None:
        self.groups: list[list[Any]] = []
        self.free = asyncio.Event()
        if free:
            self.free.set()
        self.under_way = asyncio.Event()
        self.queue: GroupQueue[Any, Any] = GroupQueue("tested", self._carry, limits)

    async def _carry(self, entries: Sequence[Entry[Any, Any]]) -> None:
        self.groups.append([entry.item for entry in entries])
        self.under_way.set()
        await self.free.wait()
        for entry in entries:
            entry.resolve(entry.item)

    def send(self, item: Any, size: int = 0) -> "asyncio.Task[Any]":
        """Submit an item in a task of its own."""
        return asyncio.create_task(self.queue.submit(item, size))


async def _under_way(carrier: Carrier, item: Any) -> "asyncio.Task[Any]":
    """Submit an item, and wait until its group is under way."""
    carrier.under_way.clear()
    task = carrier.send(item)
    await carrier.under_way.wait()
    return task


async def _submitted(*tasks: "asyncio.Task[Any]") -> None:
    """Let tasks come to where they wait."""
    await asyncio.sleep(0)


async def test_a_lone_item_goes_alone_and_at_once() -> None:
    """No turn of the loop is let pass for company, let alone some time."""
    carrier = Carrier(Limits(items=10, lanes=1))
    turns = 0
    for item in range(50):
        asked = asyncio.ensure_future(carrier.queue.submit(item))
        while not asked.done():
            turns += 1
            await asyncio.sleep(0)
        assert asked.result() == item
    assert carrier.groups == [[item] for item in range(50)]
    assert turns <= 4 * 50, turns


async def test_what_waits_while_a_group_is_under_way_goes_together() -> None:
    carrier = Carrier(Limits(items=10, lanes=1), free=False)
    first = await _under_way(carrier, 0)
    others = [carrier.send(item) for item in range(1, 5)]
    await _submitted(*others)
    assert carrier.groups == [[0]]
    carrier.free.set()
    assert await asyncio.gather(first, *others) == [0, 1, 2, 3, 4]
    assert carrier.groups == [[0], [1, 2, 3, 4]]


async def test_a_group_holds_no_more_items_than_its_limit() -> None:
    carrier = Carrier(Limits(items=3, lanes=1))
    await asyncio.gather(*(carrier.queue.submit(item) for item in range(8)))
    assert [len(group) for group in carrier.groups] == [3, 3, 2]


async def test_a_group_holds_no_more_bytes_than_its_limit_but_one_item_always_goes() -> None:
    carrier = Carrier(Limits(items=10, lanes=1, size=100))
    sizes = [40, 60, 1, 500, 99, 1]
    await asyncio.gather(*(carrier.queue.submit(size, size) for size in sizes))
    assert carrier.groups == [[40, 60], [1], [500], [99, 1]]


async def test_a_cancelled_item_takes_no_place_in_a_group() -> None:
    carrier = Carrier(Limits(items=10, lanes=1, size=100), free=False)
    first = await _under_way(carrier, 0)
    gone, stays, more = (carrier.send(name, 60) for name in ("gone", "stays", "more"))
    await _submitted(gone, stays, more)
    gone.cancel()
    await asyncio.wait({gone})
    carrier.free.set()
    await asyncio.gather(first, stays, more)
    assert carrier.groups == [[0], ["stays"], ["more"]]


async def test_lanes_carry_side_by_side_and_no_more_of_them_than_allowed() -> None:
    carrier = Carrier(Limits(items=1, lanes=2), free=False)
    tasks = [carrier.send(item) for item in range(5)]
    await _under_way(carrier, 5)
    await _submitted()
    assert carrier.groups == [[0], [1]]
    carrier.free.set()
    await asyncio.gather(*tasks)
    assert sorted(group[0] for group in carrier.groups)[:5] == [0, 1, 2, 3, 4]


async def test_a_caller_cancelled_under_way_leaves_its_group_going() -> None:
    carrier = Carrier(Limits(items=10, lanes=1), free=False)
    first = await _under_way(carrier, 0)
    others = [carrier.send(item) for item in (1, 2)]
    await _submitted(*others)
    first.cancel()
    await asyncio.wait({first})
    carrier.free.set()
    assert await asyncio.gather(*others) == [1, 2]
    assert carrier.groups == [[0], [1, 2]]


async def test_no_item_is_overlooked_whenever_it_comes() -> None:
    """Items that come in the very step in which a lane ends are carried too."""
    carrier = Carrier(Limits(items=4, lanes=2))

    async def caller(steps: int) -> None:
        for item in range(40):
            assert await carrier.queue.submit((steps, item)) == (steps, item)
            for _ in range(steps):
                await asyncio.sleep(0)

    async with asyncio.timeout(IN_TIME):
        await asyncio.gather(*(caller(steps) for steps in range(8)))
    carried = [item for group in carrier.groups for item in group]
    assert len(carried) == len(set(carried)) == 8 * 40


async def test_who_comes_to_a_long_queue_is_told_to_come_back() -> None:
    carrier = Carrier(Limits(items=1, lanes=1), free=False)
    tasks = [await _under_way(carrier, 0)]
    tasks += [carrier.send(item) for item in range(queues.LONGEST_QUEUE)]
    await _submitted(*tasks)
    with pytest.raises(Unavailable) as told:
        await carrier.queue.submit("too many")
    assert told.value.retry_after == 1
    carrier.free.set()
    await asyncio.gather(*tasks)
    assert await carrier.queue.submit("later") == "later"


async def test_control_without_a_limit_the_queue_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "LONGEST_QUEUE", 10**9)
    carrier = Carrier(Limits(items=10_000, lanes=1), free=False)
    tasks = [await _under_way(carrier, 0)]
    tasks += [carrier.send(item) for item in range(2049)]
    await _submitted(*tasks)
    carrier.free.set()
    assert len(await asyncio.gather(*tasks)) == 2050


async def test_a_long_queue_is_503_with_retry_after_over_http(
    api: Api, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "LONGEST_QUEUE", 3)
    slow: GroupInsert = GroupInsert(Session.get_pymongo_collection, Limits(items=1, lanes=1))
    monkeypatch.setattr(changing, "INSERTS", slow)
    bodies = [payment_body(sessionId=f"s-{number}") for number in range(30)]
    answers = await asyncio.gather(
        *(api.call("POST", "/api/payment-sessions", json=body) for body in bodies)
    )
    statuses = {answer.status_code for answer in answers}
    assert statuses == {201, 503}
    refused = [one for one in answers if one.status_code == 503]
    assert {one.headers["retry-after"] for one in refused} == {"1"}
    made = {one.json()["session"]["sessionId"] for one in answers if one.status_code == 201}
    assert await Session.get_pymongo_collection().count_documents({}) == len(made)


async def test_a_turn_that_does_not_come_in_time_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queues, "ANSWER_WITHIN_S", 0.05)
    carrier = Carrier(Limits(items=1, lanes=1), free=False)
    first = await _under_way(carrier, 0)
    late = [carrier.send(item) for item in range(1, 4)]
    await asyncio.sleep(0.06)
    carrier.free.set()
    answers = await asyncio.gather(first, *late, return_exceptions=True)
    assert answers[0] == 0
    assert all(isinstance(answer, Unavailable) for answer in answers[1:])
    assert carrier.groups == [[0]]


async def test_control_who_is_overdue_would_be_carried_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queues, "ANSWER_WITHIN_S", 0.05)
    monkeypatch.setattr(Entry, "overdue", False)
    carrier = Carrier(Limits(items=1, lanes=1), free=False)
    first = await _under_way(carrier, 0)
    late = carrier.send(1)
    await asyncio.sleep(0.06)
    carrier.free.set()
    assert await asyncio.gather(first, late) == [0, 1]


async def test_callers_of_a_stalled_database_wait_three_seconds_and_little_more(
    api: Api, client: Client, impatient: None
) -> None:
    """In a fifth of the time; as many come as fill a few groups, and each is tried once.

    A stall that is waited for ends in a 201: a 503 is what did not wait.
    """

    async def status(number: int) -> int:
        body = payment_body(sessionId=f"s-{number}")
        return (await api.call("POST", "/api/payment-sessions", json=body)).status_code

    carried = sessions.INSERTS.queue.items
    how = {"blockConnection": True, "blockTimeMS": 3000}
    async with failing(client, ["insert"], **how):
        answers = await asyncio.gather(*(status(number) for number in range(300)))
    assert set(answers) == {503}
    assert sessions.INSERTS.queue.items - carried <= 300


async def test_a_group_that_hangs_does_not_hold_up_those_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queues, "PATIENCE_S", 0.02)
    carrier = Carrier(Limits(items=10, lanes=1), free=False)
    hanging = await _under_way(carrier, 0)
    carrier.under_way.clear()
    later = [carrier.send(item) for item in (1, 2)]
    async with asyncio.timeout(IN_TIME):
        await carrier.under_way.wait()
    assert carrier.groups == [[0], [1, 2]]
    carrier.free.set()
    assert await asyncio.gather(hanging, *later) == [0, 1, 2]
    assert await carrier.queue.submit(3) == 3


async def test_control_without_relief_those_after_it_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "PATIENCE_S", 0.02)
    monkeypatch.setattr(GroupQueue, "_relieve", lambda queue, lane, group: None)
    carrier = Carrier(Limits(items=10, lanes=1), free=False)
    hanging = await _under_way(carrier, 0)
    later = carrier.send(1)
    await asyncio.sleep(queues.PATIENCE_S + 0.1)
    assert carrier.groups == [[0]]
    carrier.free.set()
    await asyncio.gather(hanging, later)


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything within a few hundredths of a second."""
    _limit_to(monkeypatch, 0.02)


@pytest.mark.usefixtures("_soon")
async def test_callers_of_a_group_that_hangs_for_ever_are_told_to_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    carrier = Carrier(Limits(items=2, lanes=1), free=False)
    callers = [carrier.send(item) for item in range(50)]
    async with asyncio.timeout(IN_TIME):
        told = await asyncio.gather(*callers, return_exceptions=True)
    assert {type(one) for one in told} == {Unavailable}
    assert carrier.queue.hanging  # they still do, and hold up nobody
    carrier.free.set()
    _limit_to(monkeypatch, IN_TIME)
    assert await carrier.queue.submit("later") == "later"


@pytest.mark.usefixtures("_soon")
async def test_control_without_an_end_they_wait_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "_give_up", lambda group: None)
    carrier = Carrier(Limits(items=2, lanes=1), free=False)
    caller = carrier.send(0)
    assert not (await asyncio.wait({caller}, timeout=0.2))[0]
    carrier.free.set()
    assert await caller == 0


class Boom(Exception):
    """A bug."""


async def test_a_bug_of_the_carrier_is_told_to_all_by_errors_of_their_own() -> None:
    async def carry(entries: Sequence[Entry[int, int]]) -> None:
        raise Boom

    queue: GroupQueue[int, int] = GroupQueue("tested", carry, Limits(items=10, lanes=1))
    errors = await asyncio.gather(*(queue.submit(n) for n in range(3)), return_exceptions=True)
    assert all(isinstance(error, RuntimeError) for error in errors)
    assert len({id(error) for error in errors}) == 3
    with pytest.raises(RuntimeError) as told:
        await queue.submit(4)  # and the next group is carried
    assert isinstance(told.value.__cause__, Boom)


def _stopped(work: Any) -> list[Any]:
    """Run some work in a loop of its own, stop it as a server does, and return what is told."""
    complaints: list[Any] = []

    async def main() -> list[Any]:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: complaints.append(what))
        found: list[Any] = await work()
        return found

    found = asyncio.run(main())
    gc.collect()
    assert complaints == []
    return found


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
async def test_a_stopped_loop_answers_everybody(steps: int) -> None:
    """Whether the lane is under way, or was cancelled before it had begun."""

    async def work() -> list[Any]:
        carrier = Carrier(Limits(items=2, lanes=1), free=False)
        callers = [carrier.send(item) for item in range(6)]
        await asyncio.sleep(0)
        for _ in range(steps):
            await asyncio.sleep(0)
        for task in asyncio.all_tasks() - {*callers, asyncio.current_task()}:
            task.cancel()  # the lanes
        async with asyncio.timeout(IN_TIME):
            told = await asyncio.gather(*callers, return_exceptions=True)
        assert await _answered_again(carrier) == "again"
        return told

    told = await asyncio.to_thread(_stopped, work)
    assert [type(one) for one in told] == [Unavailable] * 6
    assert len({id(one) for one in told}) == 6


async def test_control_a_lane_that_ends_unseen_leaves_its_callers_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(GroupQueue, "_closed", lambda queue, lane: None)
    carrier = Carrier(Limits(items=2, lanes=1))
    caller = carrier.send(1)
    await _submitted(caller)
    [lane] = carrier.queue._lanes
    lane.cancel()
    await asyncio.wait({caller}, timeout=0.05)
    assert not caller.done()
    caller.cancel()
    await asyncio.wait({caller})


async def _answered_again(carrier: Carrier) -> Any:
    carrier.free.set()
    async with asyncio.timeout(IN_TIME):
        return await carrier.queue.submit("again")


async def test_a_server_that_ends_leaves_no_task_and_no_error_that_nobody_took() -> None:
    """`asyncio.run` cancels all tasks at its end: callers, lanes and what the lanes await."""
    left: list[Any] = []

    async def work() -> list[Any]:
        carrier = Carrier(Limits(items=2, lanes=2), free=False)
        callers = [carrier.send(item) for item in range(9)]
        for _ in range(3):
            await asyncio.sleep(0)
        left.append((carrier, callers))
        return []

    await asyncio.to_thread(_stopped, work)
    [(carrier, callers)] = left
    assert all(caller.cancelled() for caller in callers)
    assert (len(carrier.queue._lanes), len(carrier.queue._waiting)) == (0, 0)
