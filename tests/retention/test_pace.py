"""Batches grow while others are served as quickly as without them, and shrink when they are not."""

import asyncio
import time
from collections.abc import AsyncGenerator

import pytest

from service.core.batches import LARGEST, SMALLEST, Pace, Until, work_off


class Machine:
    """A machine whose reads take as long as they are told, by a clock of its own."""

    def __init__(self, quiet: float, busy: float) -> None:
        self.now, self.working, self.answers = 0.0, False, True
        self._quiet, self.busy = quiet, busy

    def timer(self) -> float:
        return self.now

    async def read(self) -> bool:
        await asyncio.sleep(0)
        self.now += self.busy if self.working else self._quiet
        return self.answers

    async def batch(self, keys: list[int]) -> int:
        self.working = True
        for _ in range(4):
            await asyncio.sleep(0)
        self.working = False
        return len(keys)


async def _sizes(machine: Machine, total: int) -> list[int]:
    pace, sizes = Pace(machine.read, machine.timer), list[int]()

    async def walk() -> AsyncGenerator[list[int], None]:
        while sum(sizes) < total:
            sizes.append(pace.size)
            yield list(range(pace.size))

    assert await work_off(walk(), machine.batch, Until(time.monotonic() + 60), pace) == sum(sizes)
    return sizes


async def test_batches_grow_while_reads_stay_quick() -> None:
    assert (SMALLEST, LARGEST) == (10, 160)
    sizes = await _sizes(Machine(quiet=1.0, busy=2.0), 1000)
    assert sizes[:6] == [10, 20, 40, 80, 160, 160]


async def test_control_they_stay_small_where_reads_are_slower_beside_them() -> None:
    assert set(await _sizes(Machine(quiet=1.0, busy=2.1), 100)) == {SMALLEST}


async def test_they_shrink_again_once_reads_become_slow() -> None:
    machine = Machine(quiet=1.0, busy=1.0)
    pace = Pace(machine.read, machine.timer)
    for _ in range(5):
        await pace.beside(machine.batch([1]))
    assert pace.size == LARGEST
    machine.busy = 10.0
    sizes = []
    for _ in range(5):
        await pace.beside(machine.batch([1]))
        sizes.append(pace.size)
    assert sizes == [80, 40, 20, 10, 10]


async def test_a_batch_that_fails_fails_the_walk() -> None:
    async def fails() -> int:
        raise RuntimeError("not now")

    pace = Pace(Machine(1.0, 1.0).read)
    with pytest.raises(RuntimeError, match="not now"):
        await pace.beside(fails())


async def test_the_larger_the_batches_the_shorter_the_breaths() -> None:
    machine = Machine(quiet=1.0, busy=1.0)
    pace, breaths = Pace(machine.read, machine.timer), []
    for _ in range(5):
        breaths.append(pace.breath)
        await pace.beside(machine.batch([1]))
    machine.busy = 3.0
    await pace.beside(machine.batch([1]))
    assert [*breaths, pace.breath] == [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 8]


async def test_a_read_that_is_not_answered_makes_batches_small_and_fails_none() -> None:
    machine = Machine(quiet=1.0, busy=1.0)
    pace = Pace(machine.read, machine.timer)
    assert [await pace.beside(machine.batch([1])) for _ in range(3)] == [1, 1, 1]
    assert pace.size == 80
    machine.answers = False
    await pace.rest(0)  # what is not answered says nothing about how quick reads are without it
    sizes = []
    for _ in range(2):
        assert await pace.beside(machine.batch([1])) == 1
        sizes.append(pace.size)
    assert sizes == [40, 20]


async def test_a_run_that_is_let_go_ends_with_its_batch() -> None:
    begun, ended = asyncio.Event(), list[str]()

    async def batch() -> int:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("batch")
        return 1

    run = asyncio.create_task(Pace(Machine(1.0, 1.0).read).beside(batch()))
    await begun.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert ended == ["batch"]
