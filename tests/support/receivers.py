"""A real service, and programs of a merchant that are told by it that something was paid."""

import asyncio
import json
import math
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
from standardwebhooks import Webhook

from service.app import create_app
from service.core.batches import Until
from service.core.clock import ManualClock
from service.notifications.endpoints.sending.client import Client
from service.notifications.endpoints.sending.sender import Sender
from service.outbox.operations.post import Post
from service.storage.database import Database
from service.wiring import Container
from tests.cli.running import clean_environment
from tests.support.api import SECRET
from tests.support.settings import make_settings
from tests.web.serving import serving


@asynccontextmanager
async def started(
    *command: str, cwd: Path, **env: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a program, and end it with the block."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=clean_environment(env), stdout=pipe, stderr=pipe
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


@asynccontextmanager
async def service(
    database: Database, clock: ManualClock, then: Callable[[Container], object] = lambda _: None
) -> AsyncIterator[httpx.AsyncClient]:
    """Serve, without a background; a client of it with the secret key."""
    app = create_app(make_settings(), database, clock=clock, loop=False)
    then(app.state.container)
    headers = {"Authorization": f"Bearer {SECRET}"}
    async with (
        serving(app) as url,
        httpx.AsyncClient(base_url=url, headers=headers, timeout=None) as client,  # noqa: S113
    ):
        yield client
        app.state.streams.stopping.set()


async def pay(client: httpx.AsyncClient, name: str) -> None:
    """Open a session and complete it by hand."""
    body = {
        **{"sessionId": name, "userId": "ada", "eventId": "event", "amount": 1000},
        **{"currency": "INR", "quantity": 1, "paymentMethod": "upi"},
    }
    opened = await client.post("/api/payment-sessions", json=body)
    assert opened.status_code == 201, opened.text
    change = {"sessionId": name, "status": "completed", "reason": "paid", "providerPaymentId": name}
    paid = await client.patch("/api/payment-sessions", json=change)
    assert paid.status_code == 200, paid.text


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


async def posted(hook: str, body: bytes, headers: dict[str, str]) -> int:
    """Post to a receiver, which may be about to start, and return what it answers."""
    async with httpx.AsyncClient(timeout=None) as client:  # noqa: S113
        while True:
            try:
                return (await client.post(hook, content=body, headers=headers)).status_code
            except httpx.ConnectError:
                await asyncio.sleep(0.05)


async def send_all(container: Container) -> None:
    """Do what the background of a server does: fan out what was written, and send it."""
    await container.endpoints.endpoints.refresh(0)
    await Post(container.jobs.subscribers, container.clock).work_off()
    sender = Sender(container.endpoints, Client(container.endpoints.addresses), Until(math.inf))
    await sender.work_off()


async def survives_what_breaks_off(hook: str) -> None:
    """Send bodies that nobody signed and that have no end, and hold the receiver to be there."""
    port = httpx.URL(hook).port
    head = b"POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: %b\r\n\r\n{"
    for length in (b"-1", b"100"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head % length)
        await writer.drain()
        if length == b"-1":  # answered, and not read until we stop
            assert b" 400 " in await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert await posted(hook, b"{}", {"webhook-id": "1"}) == 400


async def is_careful(hook: str, receiver: asyncio.subprocess.Process, secret: str) -> None:
    """Post what it must refuse, and the same event twice."""
    signer = Webhook(secret)
    body = json.dumps({"id": "evt_2", "type": "session.completed", "sessionId": "again"}).encode()
    right = signed(signer, "evt_2", body)
    assert await posted(hook, body + b" ", right) == 400
    for wrong in ("v1,AAAA", "v1", "", "v2," + right["webhook-signature"][3:]):
        assert await posted(hook, body, right | {"webhook-signature": wrong}) == 400, wrong
    assert await posted(hook, body, right | {"webhook-timestamp": "1"}) == 400
    assert [await posted(hook, body, right) for _ in range(2)] == [200, 200]
    last = json.dumps({"id": "evt_3", "type": "session.completed", "sessionId": "last"}).encode()
    assert await posted(hook, last, signed(signer, "evt_3", last)) == 200
    assert receiver.stdout is not None
    told = [await receiver.stdout.readline() for _ in range(2)]
    assert told == [b"paid again\n", b"paid last\n"]


def signed(signer: Webhook, event_id: str, body: bytes) -> dict[str, str]:
    """Return the headers of a delivery."""
    now = datetime.now(UTC)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signer.sign(event_id, now, body.decode()),
    }
