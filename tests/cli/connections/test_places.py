"""When all places are taken: who waits for its client gives way, and health is always answered."""

import json
import resource

import pytest

from service.cli.connections import connection, door
from service.cli.connections.connection import Stage
from service.cli.connections.files import OTHERS, RESERVE, places
from tests.cli.connections.house import GET, Client, House, housed
from tests.support.patience import IN_TIME

LIVE = GET.replace(b"/ ", b"/health/live ")
READY = GET.replace(b"/ ", b"/health/ready?x=1 ")
HELD = GET.replace(b"/ ", b"/held ")
SLOW = GET[:-2]

# Who is called slow after a second is so here after `_SLOW_S`: no machine is that busy.
_LEAST_S, _SLOW_S = door._LEAST_S, IN_TIME


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody becomes slow while a test runs, unless the test says so."""
    monkeypatch.setattr(door, "_LEAST_S", _SLOW_S)


def test_who_is_in_the_middle_of_a_request_gives_way_after_a_second() -> None:
    assert _LEAST_S == 1.0


async def _callers(house: House, count: int, sent: bytes) -> list[Client]:
    callers = [await house.call() for _ in range(count)]
    for caller in callers:
        await caller.send(sent)
    return callers


async def test_health_answers_while_256_slow_clients_hold_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with housed(most=256) as house:
        await _callers(house, 256, SLOW)
        for asked in (LIVE, READY) * 20:
            prober = await house.call()
            assert await prober.ask(asked) == 200
            assert await prober.left() == b""  # it keeps no place
        other = await house.call()
        await other.send(GET)
        status, told = await other.told()
        assert status == 503
        head, _, body = told.partition(b"\r\n\r\n")
        assert b"retry-after: 1" in head
        assert json.loads(body)["error"] == "too_many_connections"
        monkeypatch.setattr(connection, "HEALTH", frozenset())  # the control
        assert await (await house.call()).ask(LIVE) == 503


async def test_slow_clients_beyond_all_places_do_not_shut_health_out() -> None:
    async with housed(most=2) as house:
        await _callers(house, 2, HELD)
        await _callers(house, 4 * RESERVE, SLOW)
        assert len(house.connections) <= 2 + RESERVE + 1
        assert await (await house.call()).ask(LIVE) == 200


async def test_who_went_on_meanwhile_does_not_give_way() -> None:
    async with housed(most=2) as house:
        slower, slow = await _callers(house, 2, HELD[:-2])
        await house.until(Stage.HEAD, Stage.HEAD)
        for seconds, one in zip((3, 2), house.door._inside, strict=True):
            one.since -= seconds * _SLOW_S
        first = await house.call()  # both are found to be slow, and the slower one gives way
        assert (await slower.told())[0] == 503
        await first.send(HELD)
        await slow.send(b"\r\n")
        await house.until_busy(2)
        assert await (await house.call()).ask() == 503
        house.hold.set()
        assert (await slow.told())[0] == 200


async def test_who_is_slow_gives_way_to_who_comes_and_who_waits_for_us_does_not() -> None:
    async with housed(most=3) as house:
        slow, slower, held = await house.call(), await house.call(), await house.call()
        await slow.send(SLOW)
        await slower.send(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n1")
        await held.send(HELD)
        await house.until(Stage.HEAD, Stage.BODY, Stage.OURS)
        for one in house.connections:
            one.since -= _SLOW_S * {Stage.HEAD: 2, Stage.BODY: 3, Stage.OURS: 9}[one.stage]
        first, second, third = [await house.call() for _ in range(3)]
        assert [await one.ask() for one in (first, second, third)] == [200, 200, 503]
        assert (await slower.told())[0] == 503
        assert (await slow.told())[0] == 503
        house.hold.set()
        assert (await held.told())[0] == 200


async def test_who_rests_between_two_requests_gives_way_at_once() -> None:
    async with housed(most=2) as house:
        first, second = await house.call(), await house.call()
        assert [await one.ask() for one in (first, second)] == [200, 200]
        newcomer = await house.call()
        assert await newcomer.ask() == 200
        assert await first.left() == b""
        assert await second.ask() == 200


async def test_a_place_is_free_again_when_its_holder_has_gone() -> None:
    async with housed(most=1) as house:
        [held] = await _callers(house, 1, HELD)
        await house.until(Stage.OURS)
        assert await (await house.call()).ask() == 503
        held.writer.close()
        await house.until()
        assert await (await house.call()).ask() == 200


def test_there_are_no_more_places_than_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    for granted, possible, fit in [
        (1024, 1024, 800),
        (512, 512, 512 - RESERVE - OTHERS),
        (512, resource.RLIM_INFINITY, 800),
        (512, 4096, 800),
        (100, 100, 1),
    ]:
        monkeypatch.setattr(resource, "getrlimit", lambda _, it=(granted, possible): it)
        assert places(800) == fit
    assert asked[1:3] == [(992, resource.RLIM_INFINITY), (992, 4096)]
