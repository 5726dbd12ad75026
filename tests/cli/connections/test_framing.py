"""Where a request ends must be certain: what follows an uncertain end is never taken for one."""

import asyncio

import pytest

from tests.cli.connections.house import Client, housed
from tests.support.patience import IN_TIME

_POST = b"POST / HTTP/1.1\r\nHost: here\r\n"
_CHUNKED = _POST + b"Transfer-Encoding: chunked\r\n\r\n"
_BEHIND = b"GET /behind HTTP/1.1\r\nHost: here\r\n\r\n"

UNCERTAIN = {
    "two ways to tell its length": _POST
    + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "the same, the other way round": _POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two codings": _POST
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "chunked is not the last coding": _POST
    + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "an unknown coding": _POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon": _POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "two lengths": _POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "a list of lengths": _POST + b"Content-Length: 2, 2\r\n\r\n{}",
    "a length with a sign": _POST + b"Content-Length: +2\r\n\r\n{}",
    "a negative length": _POST + b"Content-Length: -1\r\n\r\n",
    "a length in hex": _POST + b"Content-Length: 0x2\r\n\r\n{}",
    "a length beyond all numbers": _POST + b"Content-Length: 99999999999999999999\r\n\r\n{}",
    "a chunk's size with a sign": _CHUNKED + b"+2\r\n{}\r\n0\r\n\r\n",
    "a chunk's size beyond all numbers": _CHUNKED + b"FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n",
    "a chunk's size in 0x": _CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n",
    "a chunk without its end": _CHUNKED + b"2\r\n{}0\r\n\r\n",
    "chunks on lines of LF": _CHUNKED + b"2\n{}\n0\n\n",
    "headers on lines of LF": b"GET / HTTP/1.1\nHost: here\n\n",
    "headers on lines of CR": b"GET / HTTP/1.1\rHost: here\r\r",
    "a folded header": b"GET / HTTP/1.1\r\nHost: here\r\nX: a\r\n b\r\n\r\n",
    "a header with a zero byte": b"GET / HTTP/1.1\r\nHost: here\r\nX: a\0b\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: here\r\nContent-Length\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another protocol": b"GET / HTTP/1.1\r\nHost: here\r\n"
    b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "HTTP/1.0, which ends with its answer": b"GET / HTTP/1.0\r\nHost: here\r\n\r\n",
    "HTTP/1.0 that asks to go on": b"GET / HTTP/1.0\r\nHost: here\r\n"
    b"Connection: keep-alive\r\n\r\n",
    "a tunnel": b"CONNECT here:443 HTTP/1.1\r\nHost: here\r\n\r\n",
}

CERTAIN = {
    "a body of its length": _POST + b"Content-Length: 5\r\n\r\nGET /",
    "chunks": _CHUNKED + b"2;name=value\r\n{}\r\n0\r\n\r\n",
    "chunks whose coding is in capitals": _POST
    + b"Transfer-Encoding: Chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a GET with a body": b"GET / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\nGET /",
    "a body that waits for leave": _POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
}


async def _send(client: Client, data: bytes, *, whole: bool) -> None:
    for piece in [data] if whole else [data[at : at + 1] for at in range(len(data))]:
        await client.send(piece)
        await asyncio.sleep(0)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("framing", UNCERTAIN.values(), ids=UNCERTAIN)
async def test_nothing_behind_an_uncertain_end_is_taken_for_a_request(
    framing: bytes, *, whole: bool
) -> None:
    async with housed() as house:
        client = await house.call()
        await _send(client, framing + _BEHIND, whole=whole)
        await house.pass_time(400)  # what waits for more is ended
        await client.left()
        assert "/behind" not in [path for path, _, _ in house.served]


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("framing", CERTAIN.values(), ids=CERTAIN)
async def test_control_what_follows_a_certain_end_is_answered(
    framing: bytes, *, whole: bool
) -> None:
    async with housed() as house:
        client = await house.call()
        await _send(client, framing + _BEHIND, whole=whole)
        async with asyncio.timeout(IN_TIME):
            while len(house.served) < 2:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0)
        assert [path for path, _, _ in house.served] == ["/", "/behind"]
