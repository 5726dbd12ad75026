"""docs/learning-that-it-was-paid.md: each program of the page runs against a real service."""

import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.cli.listening.forwarding import secret_for
from service.core.clock import ManualClock
from service.storage.database import Database
from service.wiring import Container
from tests.cli.running import TILLGATE
from tests.support.api import ADMIN, SECRET
from tests.support.receivers import free_port, is_careful, pay, posted, send_all, service, started
from tests.support.sweeping import up_to_now

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


def test_every_program_of_the_page_is_run_here() -> None:
    assert PROGRAMS.keys() == {"receive.py", "receive.ts", "sweep.py", "sweep.ts"}
    assert [kind for kind, _ in BLOCKS] == ["json", "sh", "python", "ts", "sh", "python", "ts"]


@in_each_language
async def test_a_receiver_learns_from_webhooks_that_it_was_paid(
    language: str, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    hook = f"http://127.0.0.1:{(port := free_port())}/hook"
    _, forwarding = COMMANDS
    words = [hook if word.startswith("http") else word for word in forwarding.split()][1:]
    command = _program("receive", language, tmp_path)
    env = {"WEBHOOK_SECRET": secret_for(SECRET), "PORT": str(port)}
    async with (
        service(database, clock) as client,
        started(*command, cwd=tmp_path, **env) as receiver,
    ):
        assert await posted(hook, b"{}", {"webhook-id": "1"}) == 400
        listen = (sys.executable, str(TILLGATE), *words, "--url", str(client.base_url))
        async with started(*listen, cwd=tmp_path, TILLGATE_KEY=SECRET) as sender:
            assert sender.stderr is not None
            assert sender.stdout is not None
            while b"listening to" not in await sender.stderr.readline():
                pass
            await pay(client, "order-1")
            assert receiver.stdout is not None
            assert await receiver.stdout.readline() == b"paid order-1\n"
            assert b"-> 200" in await sender.stdout.readline()
        await is_careful(hook, receiver, secret_for(SECRET))


@pytest.mark.skipif(not shutil.which("curl"), reason="the page uses curl")
async def test_a_receiver_that_is_named_as_the_page_says_is_told_that_it_was_paid(
    database: Database, tmp_path: Path
) -> None:
    hook = f"http://127.0.0.1:{(port := free_port())}/hook"
    clock = ManualClock(datetime.now(UTC))  # the receiver believes nothing that was signed long ago
    served: list[Container] = []
    async with service(database, clock, served.append) as client:
        await send_all(*served)  # a server that has begun: it hears what is written from then on
        added = await _named(hook, str(client.base_url), tmp_path)
        env = {"WEBHOOK_SECRET": added["secret"], "PORT": str(port)}
        command = _program("receive", "py", tmp_path)
        async with started(*command, cwd=tmp_path, **env) as receiver:
            assert await posted(hook, b"{}", {"webhook-id": "1"}) == 400
            clock.advance(timedelta(seconds=10))
            await pay(client, "order-1")
            await send_all(*served)
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


@in_each_language
@pytest.mark.usefixtures("up_to_now")
async def test_a_sweep_learns_by_asking_that_it_was_paid(
    language: str, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    command = _program("sweep", language, tmp_path)
    async with service(database, clock) as client:
        env = {"TILLGATE_URL": str(client.base_url), "TILLGATE_KEY": SECRET}
        await pay(client, "order-1")
        assert await _said(command, tmp_path, env) == "paid order-1\n"
        # Further sweeps would begin in the future: the fixture shows what is written at once.
        (tmp_path / "swept-until.txt").unlink()
        await pay(client, "order-2")
        assert await _said(command, tmp_path, env) == "paid order-1\npaid order-2\n"
        assert (tmp_path / "swept-until.txt").read_text().endswith("Z")
        assert await _said(command, tmp_path, env) == ""


async def _said(command: list[str], cwd: Path, env: dict[str, str]) -> str:
    async with started(*command, cwd=cwd, **env) as process:
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode().replace("\r", "")
