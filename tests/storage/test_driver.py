"""What is set right in the driver: its locks outlive cancelled calls, a shutdown is soon over."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pymongo.lock
import pytest
import pytest_asyncio
from pymongo.common import MIN_HEARTBEAT_INTERVAL
from pymongo.errors import NotPrimaryError, PyMongoError

from service.core.errors import Unavailable
from service.storage import database as module
from service.storage.answering import answers_in_time
from service.storage.database import ANSWER_WITHIN_S, Client, connect
from tests.storage.failing import failing

_WAIT_S = 0.01
LOSES_LOCKS = sys.version_info < (3, 12)


async def _cancelled_in_the_wrong_moment() -> tuple[list[Any], Any]:
    """Cancel a call that selects a server while it takes its lock back, as the holder leaves.

    What both say, and the lock. The two do with it what `Topology.select_servers` and
    `Topology.on_change` do.
    """
    lock: Any = pymongo.lock._async_create_lock()
    condition = pymongo.lock._async_create_condition(lock)
    leave = asyncio.Event()

    async def select() -> None:
        async with lock:
            await pymongo.lock._async_cond_wait(condition, _WAIT_S)

    async def change() -> None:
        async with lock:
            await leave.wait()

    selecting = asyncio.create_task(select())
    await asyncio.sleep(0)
    changing = asyncio.create_task(change())
    while not (lock.locked() and lock._waiters):  # noqa: ASYNC110
        await asyncio.sleep(0)
    selecting.cancel()
    leave.set()
    said = await asyncio.gather(selecting, changing, return_exceptions=True)
    for _ in range(5):
        await asyncio.sleep(0)
    return said, lock


async def test_a_call_that_is_cancelled_leaves_the_drivers_lock_free() -> None:
    said, lock = await _cancelled_in_the_wrong_moment()
    assert isinstance(said[0], asyncio.CancelledError)
    assert said[1] is None
    assert not lock.locked()


async def test_control_as_the_driver_waits_by_itself_its_lock_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pymongo.lock, "wait_for", asyncio.wait_for)
    said, lock = await _cancelled_in_the_wrong_moment()
    assert isinstance(said[1], RuntimeError) == LOSES_LOCKS
    assert lock.locked() == LOSES_LOCKS


async def _storm(calls: int) -> tuple[Client, set[asyncio.Task[Any]]]:
    """Cancel calls that wait for a primary as their first half second ends, all at a time.

    Return the client, and the calls that never end.
    """
    client = connect("mongodb://127.0.0.1:1/?replicaSet=none")

    async def call() -> None:
        with suppress(TimeoutError, PyMongoError, RuntimeError):
            async with asyncio.timeout(MIN_HEARTBEAT_INTERVAL + 0.01):
                await client.admin.command("ping")

    tasks = {asyncio.create_task(call()) for _ in range(calls)}
    _, pending = await asyncio.wait(tasks, timeout=5)
    return client, pending


@pytest.mark.soak  # the client is closed while it connects: the driver may lose a socket
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_after_a_storm_of_cancelled_calls_a_client_goes_on() -> None:
    client, pending = await _storm(2000)
    assert pending == set()
    with pytest.raises(Unavailable):  # and says by itself that nobody is there
        async with answers_in_time(0.1):
            await client.admin.command("ping")
    await client.close()


@pytest.mark.soak  # five seconds in which nothing happens; whether it comes to pass is up to chance
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_control_as_the_driver_waits_by_itself_calls_hang_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pymongo.lock, "wait_for", asyncio.wait_for)
    client, pending = await _storm(2000)
    assert bool(pending) == LOSES_LOCKS
    lock = client._topology._lock
    while pending:  # nobody can cancel them: each is let have what it waits for
        if lock.locked():
            lock.release()
        _, pending = await asyncio.wait(pending, timeout=0.001)
    await client.close()


@pytest.mark.parametrize("seconds", [0.0, 0.001])
async def test_a_wait_of_the_driver_ends_in_time_and_holds_its_lock(seconds: float) -> None:
    lock = pymongo.lock._async_create_lock()
    condition = pymongo.lock._async_create_condition(lock)
    async with lock:
        assert not await pymongo.lock._async_cond_wait(condition, seconds)
        assert lock.locked()
    assert not lock.locked()


@pytest_asyncio.fixture
async def fresh(mongo_uri: str) -> AsyncIterator[Callable[[], Any]]:
    """Clients of their own, each at the beginning of a heartbeat."""
    clients: list[Client] = []

    async def make() -> Client:
        clients.append(connect(mongo_uri))
        await clients[-1].admin.command("ping")
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


async def _after_a_shutdown(client: Client) -> None:
    """Be told once that the member shuts down, then ask something within our own time."""
    async with failing(client, ["find"], mode={"times": 1}, errorCode=91):
        with pytest.raises(NotPrimaryError):
            await client["tillgate_test"].command("find", "leases")
        async with answers_in_time(ANSWER_WITHIN_S):
            await client["tillgate_test"]["leases"].find_one({})


async def test_one_answer_that_a_member_shuts_down_is_over_within_our_time(
    fresh: Callable[[], Any],
) -> None:
    await _after_a_shutdown(await fresh())


@pytest.mark.soak  # ten seconds in which nothing happens
async def test_control_with_the_drivers_own_heartbeat_it_is_not(
    fresh: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_MS", 10_000)
    with pytest.raises(Unavailable):
        await _after_a_shutdown(await fresh())
