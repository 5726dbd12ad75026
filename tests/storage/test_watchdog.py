"""The watchdog: a driver that is stuck is told from a database that is slow, or away."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from service.storage import watchdog as watchdogs
from service.storage.database import Client, connect
from service.storage.group_commit import queue as queues
from service.storage.group_commit.queue import Limits
from service.storage.watchdog import STUCK_AFTER, Watchdog
from tests.storage.failing import failing
from tests.storage.group_commit.test_queue import Carrier
from tests.support.patience import IN_TIME


@pytest_asyncio.fixture
async def own(mongo_uri: str) -> AsyncIterator[Client]:
    """A client whose lock may be lost: it is given back at the end."""
    client = connect(mongo_uri)
    await client.admin.command("ping")
    yield client
    if client._topology._lock.locked():
        client._topology._lock.release()
    await client.close()


def _lose_lock(client: Client) -> None:
    """Leave the topology's lock as the fault of decision 32 does: taken, and by nobody."""
    lock: Any = client._topology._lock
    lock._locked = True


async def _look(watchdog: Watchdog, times: int, *, lets_end: bool) -> None:
    """Look so often; where a ping ends at all, only after it has ended."""
    for _ in range(times):
        watchdog.look()
        assert watchdog._ping is not None
        if lets_end:
            await asyncio.wait({watchdog._ping}, timeout=IN_TIME)
        else:
            await asyncio.sleep(0)


async def test_a_driver_whose_lock_is_lost_is_stuck_and_that_is_told_once(own: Client) -> None:
    _lose_lock(own)
    watchdog = Watchdog(own["tillgate_test"], ())
    with capture_logs() as logs:
        await _look(watchdog, STUCK_AFTER, lets_end=False)
        assert not watchdog.stuck
        await _look(watchdog, 5, lets_end=False)
    assert watchdog.stuck
    assert [(line["calls"], line["ping"]) for line in logs] == [(1, True)]
    own._topology._lock.release()
    assert watchdog._ping is not None
    await watchdog._ping


async def test_control_a_sound_driver_is_not_stuck_however_often_one_looks(own: Client) -> None:
    watchdog = Watchdog(own["tillgate_test"], ())
    await _look(watchdog, 3 * STUCK_AFTER, lets_end=True)
    assert not watchdog.stuck


async def test_a_database_that_gives_no_answer_is_no_stuck_driver(
    own: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdogs, "_PING_WITHIN_S", 0.02)
    watchdog = Watchdog(own["tillgate_test"], ())
    async with failing(own, ["ping"], blockConnection=True, blockTimeMS=100):
        await _look(watchdog, 2 * STUCK_AFTER, lets_end=True)
    assert not watchdog.stuck


@pytest.mark.parametrize("ends", [False, True])
async def test_a_group_that_hangs_for_ever_is_stuck_and_one_that_ends_is_not(
    own: Client, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    monkeypatch.setattr(queues, "PATIENCE_S", 0.0)
    carrier = Carrier(Limits(items=1, lanes=1), free=False)
    watchdog = Watchdog(own["tillgate_test"], (carrier.queue,))
    for _ in range(2 if ends else 1):
        caller = carrier.send("one")
        while not carrier.queue.hanging:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await _look(watchdog, STUCK_AFTER, lets_end=True)
        if ends:
            carrier.free.set()
            await caller
            carrier.free.clear()
    await _look(watchdog, 1, lets_end=True)
    assert watchdog.stuck is not ends
    carrier.free.set()
    await caller
