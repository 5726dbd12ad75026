"""Names whose servers never answer take no thread of others, once that is known of them."""

import asyncio
import threading

import pytest

from service.notifications.endpoints.errors import AddressRefused
from service.notifications.endpoints.operations import addresses
from service.notifications.endpoints.operations.addresses import Addresses, target_of

PUBLIC = "93.184.215.14"
MANY = 2 * addresses._THREADS


async def _is_resolved(monkeypatch: pytest.MonkeyPatch, *, most_slow: int) -> bool:
    """Ask for many names that hang, twice, and then for one that does not."""
    answered = threading.Event()

    def look_up(host: str, _: int) -> list[str]:
        if host.startswith("hangs"):
            answered.wait(30)
        return [PUBLIC]

    monkeypatch.setattr(addresses, "_look_up", look_up)
    monkeypatch.setattr(addresses, "_slow", {})
    monkeypatch.setattr(addresses, "MOST_SLOW", most_slow)
    asked = Addresses(())
    hanging = [target_of(f"https://hangs-{n}.example/") for n in range(MANY)]
    try:
        for _ in range(2):
            with monkeypatch.context() as patch:
                patch.setattr(addresses, "RESOLVED_WITHIN_S", 0.05)
                told = await asyncio.gather(*map(asked.of, hanging), return_exceptions=True)
            assert all(isinstance(one, AddressRefused) for one in told)
            answered.set()
            await _all_threads_are_free()
            answered.clear()
        waiting = [asyncio.create_task(asked.of(one)) for one in hanging]
        await asyncio.sleep(0)
        quick = asyncio.create_task(asked.of(target_of("https://quick.example/")))
        done, _ = await asyncio.wait({quick}, timeout=1 if not most_slow else 30)
        return bool(done) and quick.result() == [PUBLIC]
    finally:
        answered.set()
        await asyncio.gather(*waiting, quick, return_exceptions=True)


async def _all_threads_are_free() -> None:
    """Wait until whatever was begun has ended."""
    loop = asyncio.get_running_loop()
    for pool, count in (
        (addresses._threads, addresses._THREADS),
        (addresses._threads_of_slow, addresses._THREADS_OF_SLOW),
    ):
        together = threading.Barrier(count)
        await asyncio.gather(*(loop.run_in_executor(pool, together.wait, 30) for _ in range(count)))


async def test_a_name_is_resolved_while_many_others_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await _is_resolved(monkeypatch, most_slow=addresses.MOST_SLOW)


async def test_a_name_that_only_waited_for_a_thread_is_not_taken_for_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered = threading.Event()

    def hangs(*_: object) -> list[str]:
        answered.wait(30)
        return [PUBLIC]

    monkeypatch.setattr(addresses, "_look_up", hangs)
    monkeypatch.setattr(addresses, "_slow", {})
    monkeypatch.setattr(addresses, "RESOLVED_WITHIN_S", 0.05)
    asked = Addresses(())
    targets = [target_of(f"https://hangs-{n}.example/") for n in range(addresses._THREADS + 1)]
    await asyncio.gather(*map(asked.of, targets), return_exceptions=True)
    answered.set()
    await _all_threads_are_free()
    assert targets[-1].host not in addresses._slow


async def test_control_where_none_is_known_to_hang_it_waits_behind_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not await _is_resolved(monkeypatch, most_slow=0)
