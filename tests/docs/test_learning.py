"""docs/learning-that-it-was-paid.md: each program of the page runs against a real service."""

import asyncio
import json
import math
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from service.app import create_app
from service.cli.listening.forwarding import secret_for
from service.core.batches import Until
from service.core.clock import ManualClock
from service.notifications.endpoints.sending.client import Client
from service.notifications.endpoints.sending.sender import Sender
from service.outbox.operations.post import Post
from service.storage.database import Database
from service.wiring import Container
from tests.cli.running import TILLGATE, clean_environment
from tests.support.api import ADMIN, SECRET
from tests.support.settings import make_settings
from tests.support.sweeping import up_to_now
from tests.web.serving import serving

__all__ = ["up_to_now"]

PAGE = Path("docs/learning-that-it-was-paid.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PROGRAMS = {
    code.splitlines()[0].lstrip("#/ "): code for kind, code in BLOCKS if kind in {"python", "ts"}
}
COMMANDS = [code for kind, code in BLOCKS if kind == "sh"]
# The way in which each is started: TypeScript once it is compiled.
in_each_language = pytest.mark.parametrize(
    "language",
    # Compiled by esbuild, which npm brings: nothing in `make test` leaves the loopback.
    ["py", pytest.param("ts", marks=pytest.mark.soak)],
)


def _program(name: str, language: str, cwd: Path) -> list[str]:
    """Put a program of the page into a directory, and return how it is started."""
    source = cwd / f"{name}.{language}"
    source.write_text(PROGRAMS[source.name])
    if language == "py":
        return [sys.executable, source.name]
    subprocess.run(["npm", "install", "--silent", "esbuild"], cwd=cwd, check=True)
    compiled = f"{name}.mjs"
    esbuild = ["npx", "esbuild", source.name, "--platform=node", f"--outfile={compiled}"]
    subprocess.run([*esbuild, "--log-level=warning"], cwd=cwd, check=True)
    return ["node", compiled]


@asynccontextmanager
async def _started(
    *command: str, cwd: Path, **env: str
) -> AsyncIterator[asyncio.subprocess.Process]:
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
async def _service(
    database: Database, clock: ManualClock, then: Callable[[Container], object] = lambda _: None
) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(make_settings(), database, clock=clock, loop=False)
    then(app.state.container)
    headers = {"Authorization": f"Bearer {SECRET}"}
    async with (
        serving(app) as url,
        httpx.AsyncClient(base_url=url, headers=headers, timeout=None) as client,  # noqa: S113
    ):
        yield client
        app.state.streams.stopping.set()


async def _pay(client: httpx.AsyncClient, name: str) -> None:
    body = {
        **{"sessionId": name, "userId": "ada", "eventId": "event", "amount": 1000},
        **{"currency": "INR", "quantity": 1, "paymentMethod": "upi"},
    }
    opened = await client.post("/api/payment-sessions", json=body)
    assert opened.status_code == 201, opened.text
    change = {"sessionId": name, "status": "completed", "reason": "paid", "providerPaymentId": name}
    paid = await client.patch("/api/payment-sessions", json=change)
    assert paid.status_code == 200, paid.text


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


async def _posted(hook: str, body: bytes, headers: dict[str, str]) -> int:
    """Post to a receiver, which may be about to start, and return what it answers."""
    async with httpx.AsyncClient(timeout=None) as client:  # noqa: S113
        while True:
            try:
                return (await client.post(hook, content=body, headers=headers)).status_code
            except httpx.ConnectError:
                await asyncio.sleep(0.05)


def test_every_program_of_the_page_is_run_here() -> None:
    assert PROGRAMS.keys() == {"receive.py", "receive.ts", "sweep.py", "sweep.ts"}
    assert [kind for kind, _ in BLOCKS] == ["json", "sh", "python", "ts", "sh", "python", "ts"]


@in_each_language
async def test_a_receiver_learns_from_webhooks_that_it_was_paid(
    language: str, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    hook = f"http://127.0.0.1:{(port := _free_port())}/hook"
    _, forwarding = COMMANDS
    words = [hook if word.startswith("http") else word for word in forwarding.split()][1:]
    command = _program("receive", language, tmp_path)
    env = {"WEBHOOK_SECRET": secret_for(SECRET), "PORT": str(port)}
    async with (
        _service(database, clock) as client,
        _started(*command, cwd=tmp_path, **env) as receiver,
    ):
        assert await _posted(hook, b"{}", {"webhook-id": "1"}) == 400
        listen = (sys.executable, str(TILLGATE), *words, "--url", str(client.base_url))
        async with _started(*listen, cwd=tmp_path, TILLGATE_KEY=SECRET) as sender:
            assert sender.stderr is not None
            assert sender.stdout is not None
            while b"listening to" not in await sender.stderr.readline():
                pass
            await _pay(client, "order-1")
            assert receiver.stdout is not None
            assert await receiver.stdout.readline() == b"paid order-1\n"
            assert b"-> 200" in await sender.stdout.readline()
        await _is_careful(hook, receiver)


@pytest.mark.skipif(not shutil.which("curl"), reason="the page uses curl")
async def test_a_receiver_that_is_named_as_the_page_says_is_told_that_it_was_paid(
    database: Database, tmp_path: Path
) -> None:
    hook = f"http://127.0.0.1:{(port := _free_port())}/hook"
    clock = ManualClock(datetime.now(UTC))  # the receiver believes nothing that was signed long ago
    served: list[Container] = []
    async with _service(database, clock, served.append) as client:
        await _send_all(*served)  # a server that has begun: it hears what is written from then on
        added = await _named(hook, str(client.base_url), tmp_path)
        env = {"WEBHOOK_SECRET": added["secret"], "PORT": str(port)}
        command = _program("receive", "py", tmp_path)
        async with _started(*command, cwd=tmp_path, **env) as receiver:
            assert await _posted(hook, b"{}", {"webhook-id": "1"}) == 400
            clock.advance(timedelta(seconds=10))
            await _pay(client, "order-1")
            await _send_all(*served)
            assert receiver.stdout is not None
            assert await receiver.stdout.readline() == b"paid order-1\n"
        path = f"/api/webhook-endpoints/{added['endpoint']['id']}/deliveries"
        sent = await client.get(path, headers={"Authorization": f"Bearer {ADMIN}"})
    assert {one["status"] for one in sent.json()["deliveries"]} == {"delivered"}


async def _named(hook: str, url: str, cwd: Path) -> Any:
    """Name a receiver by the command of the page; return what is answered."""
    naming, _ = COMMANDS
    assert "https://shop.example/hook" in naming
    env = {"URL": url.rstrip("/"), "API_ADMIN_KEYS": ADMIN}
    shell = ("sh", "-c", naming.replace("https://shop.example/hook", hook))
    return json.loads(await _said([*shell], cwd, env))


async def _send_all(container: Container) -> None:
    """Do what the background of a server does: fan out what was written, and send it."""
    await container.endpoints.endpoints.refresh(0)
    await Post(container.jobs.subscribers, container.clock).work_off()
    sender = Sender(container.endpoints, Client(container.endpoints.addresses), Until(math.inf))
    await sender.work_off()


async def _is_careful(hook: str, receiver: asyncio.subprocess.Process) -> None:
    """Post what it must refuse, and the same event twice."""
    signer = Webhook(secret_for(SECRET))
    body = json.dumps({"id": "evt_2", "type": "session.completed", "sessionId": "again"}).encode()
    right = _signed(signer, "evt_2", body)
    assert await _posted(hook, body + b" ", right) == 400
    for wrong in ("v1,AAAA", "v1", "", "v2," + right["webhook-signature"][3:]):
        assert await _posted(hook, body, right | {"webhook-signature": wrong}) == 400, wrong
    assert await _posted(hook, body, right | {"webhook-timestamp": "1"}) == 400
    assert [await _posted(hook, body, right) for _ in range(2)] == [200, 200]
    last = json.dumps({"id": "evt_3", "type": "session.completed", "sessionId": "last"}).encode()
    assert await _posted(hook, last, _signed(signer, "evt_3", last)) == 200
    assert receiver.stdout is not None
    told = [await receiver.stdout.readline() for _ in range(2)]
    assert told == [b"paid again\n", b"paid last\n"]


def _signed(signer: Webhook, event_id: str, body: bytes) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signer.sign(event_id, now, body.decode()),
    }


@in_each_language
@pytest.mark.usefixtures("up_to_now")
async def test_a_sweep_learns_by_asking_that_it_was_paid(
    language: str, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    command = _program("sweep", language, tmp_path)
    async with _service(database, clock) as client:
        env = {"TILLGATE_URL": str(client.base_url), "TILLGATE_KEY": SECRET}
        await _pay(client, "order-1")
        assert await _said(command, tmp_path, env) == "paid order-1\n"
        # Further sweeps would begin in the future: the fixture shows what is written at once.
        (tmp_path / "swept-until.txt").unlink()
        await _pay(client, "order-2")
        assert await _said(command, tmp_path, env) == "paid order-1\npaid order-2\n"
        assert (tmp_path / "swept-until.txt").read_text().endswith("Z")
        assert await _said(command, tmp_path, env) == ""


async def _said(command: list[str], cwd: Path, env: dict[str, str]) -> str:
    async with _started(*command, cwd=cwd, **env) as process:
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode().replace("\r", "")
