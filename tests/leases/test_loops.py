"""Loops end: by an event where they run beside a block, and where stopping is requested."""

import asyncio

import pytest
from structlog.testing import capture_logs

from service.leases import loops
from service.leases.loops import beside, comes, end, repeat
from tests.support.patience import IN_TIME


class Losing:
    """A loop that loses a cancellation, as `wait_for` of Python 3.11 does with a result at hand."""

    def __init__(self) -> None:
        self.begun, self.lost = asyncio.Event(), 0

    async def run(self, ended: asyncio.Event) -> None:
        while not ended.is_set():
            self.begun.set()
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                self.lost += 1


@pytest.mark.parametrize("within_s", [-1.0, 0.0, IN_TIME])
async def test_what_came_before_is_told_however_short_the_wait_is(within_s: float) -> None:
    """`wait_for` itself gives up at once where there is no time, and does not look."""
    event = asyncio.Event()
    event.set()
    assert await comes(event, within_s)


@pytest.mark.parametrize("within_s", [-1.0, 0.0, 0.001])
async def test_control_what_does_not_come_is_not_told(within_s: float) -> None:
    assert not await comes(asyncio.Event(), within_s)


async def test_what_runs_beside_a_block_ends_with_it_and_is_not_cancelled() -> None:
    loop = Losing()
    async with asyncio.timeout(IN_TIME), beside(loop.run, "test-beside"):
        await loop.begun.wait()
        assert "test-beside" in {task.get_name() for task in asyncio.all_tasks()}
    assert "test-beside" not in {task.get_name() for task in asyncio.all_tasks()}
    assert loop.lost == 0


async def test_control_a_cancellation_alone_would_leave_it_running() -> None:
    loop, ended = Losing(), asyncio.Event()
    running = asyncio.create_task(loop.run(ended))
    await loop.begun.wait()
    running.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    assert (loop.lost, running.done()) == (1, False)
    ended.set()
    await running


async def test_a_block_that_fails_ends_what_runs_beside_it_too() -> None:
    loop = Losing()

    async def fails() -> None:
        async with asyncio.timeout(IN_TIME), beside(loop.run, "test-beside"):
            await loop.begun.wait()
            raise RuntimeError("not now")

    with pytest.raises(RuntimeError, match="not now"):
        await fails()
    assert "test-beside" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_round_that_fails_is_followed_by_the_next() -> None:
    stopping, rounds = asyncio.Event(), 0

    async def fails() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            stopping.set()
        raise RuntimeError("not now")

    async with asyncio.timeout(IN_TIME):
        await repeat(fails, 0.0, stopping)
    assert rounds == 3


async def test_what_ran_beside_a_block_and_failed_is_logged() -> None:
    async def fails(_: asyncio.Event) -> None:
        raise RuntimeError("not now")

    with capture_logs() as logged:
        async with asyncio.timeout(IN_TIME), beside(fails, "test-beside"):
            pass
        async with asyncio.timeout(IN_TIME), beside(Losing().run, "test-control"):
            pass
    assert [one["loop"] for one in logged] == ["test-beside"]


async def _ended(under_way: set[asyncio.Task[None]]) -> None:
    async with asyncio.timeout(IN_TIME):
        await end(lambda: under_way)


async def test_what_is_under_way_at_the_end_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "LET_GO_AFTER_S", IN_TIME)
    slow = asyncio.create_task(asyncio.sleep(0.01))
    with capture_logs() as logged:
        await _ended({slow})
        await _ended(set())
    assert (slow.done(), slow.cancelled(), logged) == (True, False, [])


async def test_what_hangs_at_the_end_is_let_go_and_so_is_what_was_begun_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loops, "LET_GO_AFTER_S", 0.01)
    under_way: set[asyncio.Task[None]] = set()

    async def hangs() -> None:
        await asyncio.Event().wait()

    async def begins() -> None:
        under_way.add(asyncio.create_task(hangs()))

    under_way |= {asyncio.create_task(hangs()), asyncio.create_task(begins())}
    with capture_logs() as logged:
        await _ended(under_way)
    assert sorted(task.cancelled() for task in under_way) == [False, True, True]
    assert len(logged) == 2
