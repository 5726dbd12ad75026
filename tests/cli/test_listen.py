"""`tillgate listen`: events of a server, forwarded to a developer as webhooks are sent."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from service.app import create_app
from service.cli.listening.forwarding import secret_for
from service.core.clock import ManualClock
from service.storage.database import Database
from tests.cli.running import TILLGATE, clean_environment, tillgate
from tests.notifications.listening import happens
from tests.support.api import PUBLISHABLE, SECRET
from tests.support.settings import make_settings
from tests.web.serving import serving


class Receiver:
    """A developer's server: what was posted to it, and what it answers."""

    def __init__(self) -> None:
        """Answer 200."""
        self.status = 200
        self.got: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head)
        }
        body = await reader.readexactly(int(headers["content-length"]))
        await self.got.put((headers, body))
        writer.write(
            b"HTTP/1.1 %d -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % self.status
        )
        await writer.drain()
        writer.close()


@asynccontextmanager
async def _receiving() -> AsyncIterator[tuple[str, Receiver]]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/hook", receiver


@asynccontextmanager
async def _listen(cwd: Path, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the command until the end of the block, from when it listens."""
    env = clean_environment({"TILLGATE_KEY": SECRET})
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(TILLGATE), "listen", *options),
        cwd=cwd,
        env=env,
        stdout=pipe,
        stderr=pipe,
    )
    try:
        await _says(process, b"listening to")
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.communicate()


async def _says(process: asyncio.subprocess.Process, words: bytes) -> str:
    assert process.stderr is not None
    said = b""
    while words not in said:
        line = await process.stderr.readline()
        assert line, said.decode()
        said += line
    return said.decode()


async def test_events_are_printed_and_forwarded_signed_as_webhooks_are(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    app = create_app(make_settings(), database, clock=clock, loop=False)
    async with _receiving() as (hook, receiver), serving(app) as url:
        to = ("--url", url, "--forward-to", hook, "--events", "session.*")
        async with _listen(tmp_path, *to) as process:
            await happens(url, "s-1")
            headers, body = await receiver.got.get()
            event = Webhook(secret_for(SECRET)).verify(body, headers)
            assert event == json.loads(body)
            assert (event["type"], event["sessionId"]) == ("session.canceled", "s-1")
            assert headers["webhook-id"] == event["id"]
            with pytest.raises(WebhookVerificationError):
                Webhook(secret_for("another")).verify(body, headers)
            assert process.stdout is not None
            line = (await process.stdout.readline()).decode()
            assert f"session.canceled {event['id']} -> 200" in line
            # What a receiver refuses is shown, and sent no second time.
            receiver.status = 500
            await happens(url, "s-2")
            assert b'"s-2"' in (await receiver.got.get())[1]
            assert b"-> 500" in await process.stdout.readline()
            # The server ends the stream, as when it stops; the command comes back.
            await happens(url, "s-3")
            await receiver.got.get()
            app.state.streams.stopping.set()
            await _says(process, b"coming back")


def test_a_key_that_may_not_listen_ends_the_command(tmp_path: Path) -> None:
    told = tillgate("listen", "--url", "http://127.0.0.1:9", cwd=tmp_path)
    assert told.returncode == 1
    assert "There is no key to listen with" in told.stderr


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/hook", "127.0.0.1:3000", "http://a:b@host/"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    told = tillgate("listen", "--forward-to", url, "--key", SECRET, cwd=tmp_path)
    assert told.returncode == 2
    assert "http://127.0.0.1:3000/hook" in told.stderr


async def test_what_the_server_says_about_a_key_is_shown(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    app = create_app(make_settings(), database, clock=clock, loop=False)
    async with serving(app) as url:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(TILLGATE), "listen", "--url", url),
            cwd=tmp_path,
            env=clean_environment({"TILLGATE_KEY": PUBLISHABLE}),
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
    assert process.returncode == 1
    assert b"403" in said
    assert PUBLISHABLE.encode() not in said
