"""What a request may take: bytes of its head, of its framing, and requests ahead."""

import asyncio
import json

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.cli.connections import connection
from service.cli.connections.connection import MOST_AHEAD, MOST_FIELDS, Connection, Stage
from service.cli.connections.hosts import hosts_of
from tests.cli.connections.house import GET, House, housed

POST = b"POST / HTTP/1.1\r\nHost: here\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def _with(*lines: bytes) -> bytes:
    return GET[:-2] + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


async def _status(house: House, data: bytes) -> int:
    return await (await house.call()).ask(data)


async def test_headers_are_taken_up_to_their_limit_and_not_beyond() -> None:
    async with housed(header_bytes=4_000, address_bytes=1_000) as house:
        room = 4_000 - len("host") - len("here") - 4 - len("a") - 4
        assert await _status(house, _with(b"a: " + b"x" * room)) == 200
        client = await house.call()
        await client.send(_with(b"a: " + b"x" * (room + 1)))
        status, told = await client.told()
        assert status == 431
        assert await client.left() == b""
        head, _, body = told.partition(b"\r\n\r\n")
        assert b"application/problem+json" in head
        assert b"connection: close" in head
        assert json.loads(body)["error"] == "headers_too_large"
        few = [b"a%d: x" % n for n in range(MOST_FIELDS - 1)]
        assert await _status(house, _with(*few)) == 200
        assert await _status(house, _with(*few, b"b: x")) == 431
        assert await _status(house, GET.replace(b"/ ", b"/" + b"a" * 999 + b" ")) == 200
        assert await _status(house, GET.replace(b"/ ", b"/" + b"a" * 1_000 + b" ")) == 414


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(
    ("beginning", "piece"),
    [(b"GET /", b"x"), (GET[:-2] + b"a: ", b"x"), (GET[:-2], b"a: x\r\n"), (b"", b"\r\n")],
    ids=["address", "header", "headers", "empty lines"],
)
async def test_a_head_without_an_end_is_refused_before_it_fills_the_memory(
    beginning: bytes, piece: bytes, later: bool
) -> None:
    async with housed() as house:
        client = await house.call()
        if later:
            assert await client.ask() == 200
        await client.send(beginning)
        await house.until(Stage.IDLE if later and not beginning else Stage.HEAD)
        [server_side] = house.connections
        await client.send(piece * (3_000_000 // len(piece)))
        assert (await client.told())[0] == 431
        assert await client.left() == b""
        assert server_side._seen < 600_000  # what one or two reads of a socket bring


async def test_trailers_of_a_body_do_not_join_its_headers() -> None:
    trailers = b"X-Forwarded-For: 10.0.0.1\r\nAuthorization: Bearer x\r\n"
    sent = CHUNKED + b"1\r\na\r\n0\r\n" + trailers + b"\r\n"
    async with housed() as house:
        assert await _status(house, sent) == 200
        [(_, headers, body)] = house.served
        assert body == b"a"
        assert {name for name, _ in headers} == {b"host", b"transfer-encoding"}


async def test_control_uvicorn_puts_trailers_among_the_headers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Connection, "on_headers_complete", HttpToolsProtocol.on_headers_complete)
    async with housed() as house:
        assert await _status(house, CHUNKED + b"1\r\na\r\n0\r\nX-Late: 1\r\n\r\n") == 200
        assert (b"x-late", b"1") in house.served[0][1]


@pytest.mark.parametrize(
    "framing", [b"1;" + b"e" * 900_000, b"0\r\nlate: " + b"x" * 900_000], ids=["chunk", "trailers"]
)
async def test_the_framing_of_a_body_has_an_end(framing: bytes) -> None:
    async with housed() as house:
        client = await house.call()
        await client.send(CHUNKED)
        await house.until(Stage.BODY)
        await client.send(framing)
        assert (await client.told())[0] == 413
        chunks = b"1\r\na\r\n" * 50_000
        assert await _status(house, CHUNKED + chunks + b"0\r\n\r\n") == 200
        assert house.served[-1][2] == b"a" * 50_000


async def test_a_few_requests_may_be_sent_ahead_and_not_thousands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = GET.replace(b"/ ", b"/held ")
    async with housed() as house:
        client = await house.call()
        await client.send(held + GET * MOST_AHEAD)
        house.hold.set()
        assert [(await client.told())[0] for _ in range(MOST_AHEAD + 1)] == [200] * 17
        house.hold.clear()
        many = await house.call()
        await many.send(held + GET * 10_000)
        assert await many.left() == b""
        monkeypatch.setattr(connection, "MOST_AHEAD", 10_000)  # the control
        control = await house.call()
        await control.send(held + GET * 1_000)
        await house.until(Stage.IDLE, Stage.OURS)
        assert max(len(one.pipeline) for one in house.connections) == 1_000


async def test_who_asks_for_another_protocol_is_answered_and_heard_no_more() -> None:
    async with housed() as house:
        client = await house.call()
        await client.send(_with(b"Connection: Upgrade", b"Upgrade: h2c"))
        assert (await client.told())[0] == 200
        assert await client.left() == b""
        assert await _status(house, b"\x00\x01\r\n\r\n") == 400


@pytest.mark.parametrize("first", [b"GET http://there?a", b"GET ?a", b"CONNECT there:80"])
async def test_an_address_without_a_path_is_refused_and_no_other_answer_is_taken_for_it(
    first: bytes,
) -> None:
    """uvicorn fails on it behind the parser: the refusal failed too, and was a traceback each."""
    no_path = GET.replace(b"GET /", first)
    failed: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context))
    async with housed() as house:
        assert await _status(house, no_path) == 400
        later = await house.call()
        assert await later.ask() == 200
        assert await later.ask(no_path) == 400
        assert await later.left() == b""
        behind = await house.call()
        await behind.send(GET.replace(b"/ ", b"/held "))
        await house.until_busy(1)
        await behind.send(no_path)
        assert await behind.left() == b""  # nothing that would pass for the first one's answer
        assert [path for path, _, _ in house.served] == ["/"]
    assert failed == []


async def test_a_host_must_be_named_once() -> None:
    without = GET.replace(b"Host: here\r\n", b"")
    async with housed() as house:
        assert await _status(house, without) == 400
        assert await _status(house, _with(b"Host: there")) == 400
        assert await _status(house, GET.replace(b"here", b"")) == 400
        assert house.served == []
        assert await _status(house, without.replace(b"1.1", b"1.0")) == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("LOCALHOST", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("192.168.1.7", 200),
        ("shop.localhost", 200),
        ("dev.shop.example:8443", 200),
        ("shop.example", 421),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("evil.example@localhost:99999", 421),
        ("[::1", 421),
    ],
)
async def test_in_development_a_strangers_name_reaches_nothing(host: str, status: int) -> None:
    """A page whose name leads to 127.0.0.1 is a page of ours to a browser."""
    sent = GET.replace(b"here", host.encode())
    async with housed(hosts_of("https://dev.shop.example:8443")) as house:
        assert await _status(house, sent) == status
    async with housed() as house:  # the control
        assert await _status(house, sent) == 200
