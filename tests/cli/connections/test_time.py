"""How long a client may take, whatever it sends in between."""

from typing import Any

import pytest

from service.cli.connections.connection import Connection, Stage
from service.cli.connections.door import LEAVING_S, Door
from tests.cli.connections.house import GET, housed

POST = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "stage", "limit"),
    [(GET[:-2], Stage.HEAD, 10), (POST + b"1234", Stage.BODY, 30)],
    ids=["headers", "body"],
)
async def test_a_request_has_a_time_for_all_of_it(sent: bytes, stage: Stage, limit: int) -> None:
    rest = b"\r\n" if stage is Stage.HEAD else b"56789"
    async with housed() as house:
        quick, slow = await house.call(), await house.call()
        for client in (quick, slow):
            await client.send(sent)
        await house.until(stage, stage)
        await house.pass_time(limit - 1)
        assert await quick.ask(rest) == 200  # the control: it was in time
        await slow.send(rest[:1] if stage is Stage.BODY else b"a: b\r\n")  # one more is no delay
        await house.pass_time(2)
        assert (await slow.told())[0] == 408
        assert await slow.left() == b""
        assert len(house.served) == 1


async def test_control_without_the_door_a_slow_request_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Door, "_judge", lambda *_: None)
    async with housed() as house:
        client = await house.call()
        await client.send(POST)
        await house.until(Stage.BODY)
        await house.pass_time(100_000)
        assert await client.ask(b"123456789") == 200


async def test_who_says_nothing_is_told_nothing() -> None:
    async with housed() as house:
        silent, rested = await house.call(), await house.call()
        assert await rested.ask() == 200
        await house.pass_time(11)
        assert await silent.left() == b""
        assert await rested.ask() == 200
        await house.pass_time(74)
        assert await rested.ask() == 200
        await house.pass_time(76)
        assert await rested.left() == b""


async def test_an_answered_request_whose_body_never_ends_is_told_no_second_answer() -> None:
    async with housed() as house:
        client = await house.call()
        assert await client.ask(POST.replace(b"/ ", b"/unread ") + b"1") == 200
        await house.until(Stage.BODY)
        await house.pass_time(31)
        assert await client.left() == b""


async def test_our_own_time_is_not_the_clients() -> None:
    async with housed() as house:
        client = await house.call()
        await client.send(GET.replace(b"/ ", b"/held "))
        await house.until(Stage.OURS)
        await client.send(GET[:-2])  # a second one, while the first is being answered
        await house.pass_time(100)
        house.hold.set()
        assert (await client.told())[0] == 200
        assert await client.ask(b"\r\n") == 200
        await client.send(GET[:-2])
        await house.until(Stage.HEAD)
        await house.pass_time(11)
        assert (await client.told())[0] == 408


async def test_while_the_process_stands_still_nobody_is_too_slow() -> None:
    async with housed() as house:
        client = await house.call()
        await client.send(GET[:-2])
        for _ in range(2):
            house.door.now -= 60  # it has not looked for a minute
            await house.pass_time(60)
        assert await client.ask(b"\r\n") == 200
        await house.pass_time(76)  # the control: it has looked
        assert await client.left() == b""


async def test_who_does_not_take_the_answer_is_cut() -> None:
    async with housed() as house:
        house.answer = b"x" * 30_000_000
        slow, quick = await house.call(), await house.call()
        await slow.send(GET)
        await house.until(Stage.IDLE, Stage.HEAD)
        [stuck] = [one for one in house.connections if one.stuck_since is not None]
        assert await quick.ask() == 200
        await house.pass_time(20)
        assert not stuck.transport.is_closing()
        await house.pass_time(11)
        assert stuck.transport.is_closing()
        assert len(await slow.left()) < 30_000_000


async def test_a_client_that_hangs_does_not_delay_a_shutdown() -> None:
    async with housed() as house:
        hangs, in_time, works = await house.call(), await house.call(), await house.call()
        await hangs.send(POST + b"1")
        await in_time.send(POST + b"1")
        await works.send(GET.replace(b"/ ", b"/held "))
        await house.until(Stage.BODY, Stage.BODY, Stage.OURS)
        house.door.leave()
        for one in house.connections:
            one.shutdown()  # as uvicorn does
        await house.pass_time(LEAVING_S - 1)
        assert await in_time.ask(b"23456789") == 200
        await house.pass_time(2)
        assert (await hangs.told())[0] == 408
        assert await hangs.left() == b""
        house.hold.set()
        assert (await works.told())[0] == 200
        await house.until()


async def test_what_was_refused_is_counted_in_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[dict[str, Any]] = []
    async with housed() as house:
        monkeypatch.setattr(
            "service.cli.connections.door.log.warning", lambda _, **it: told.append(it)
        )
        for _ in range(3):
            await (await house.call()).ask(GET.replace(b"Host: here\r\n", b""))
        house.door._reported_at = -100.0
        house.door.look()
        house.door.look()
    assert told == [{"host_missing": 3}]
    assert not [one for one in house.connections if isinstance(one, Connection)]
