"""One HTTP call to a provider: what each way of failing is called."""

import asyncio

import httpx
import pytest

from service.core.errors import ProviderUnreachable
from service.providers.calling import Refused, ask, within
from tests.providers.http_fake import fake_api


async def test_a_provider_that_stays_silent_is_given_up() -> None:
    connected, over = asyncio.Event(), asyncio.Event()

    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await over.wait()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(stay_silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, httpx.AsyncClient() as http:
        with pytest.raises(ProviderUnreachable, match=r"within 0\.2 seconds") as caught:
            async with within("Fake", 0.2):
                await ask("Fake", http, http.build_request("GET", f"http://127.0.0.1:{port}/"))
        assert connected.is_set()
        assert not caught.value.definite
        over.set()


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (404, b"<html>", "Fake refused: status 404"),
        (302, b"{}", "Fake refused: status 302"),
        (400, b'{"error": {"description": "Too small."}}', "Fake refused: Too small."),
        (400, b'{"code": "BAD", "message": "No."}', "Fake refused: No."),
        (429, b'{"code": "TOO_MANY_REQUESTS"}', "Fake refused: TOO_MANY_REQUESTS"),
    ],
)
async def test_a_refusal_is_told_in_the_providers_words(
    status: int, body: bytes, message: str
) -> None:
    async with fake_api() as api, httpx.AsyncClient() as http:
        api.answer("GET", "/x", (status, body))
        with pytest.raises(Refused) as caught:
            await ask("Fake", http, http.build_request("GET", f"{api.base}/x"))
    assert (caught.value.message, caught.value.status) == (message, status)
    assert caught.value.definite


async def test_a_description_of_any_length_is_cut() -> None:
    async with fake_api() as api, httpx.AsyncClient() as http:
        api.answer("GET", "/x", (400, {"message": "x" * 5000}))
        with pytest.raises(Refused) as caught:
            await ask("Fake", http, http.build_request("GET", f"{api.base}/x"))
    assert len(caught.value.message) < 400
