"""The receivers of examples/: the official libraries verify what this service sends."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from service.core.clock import ManualClock
from service.storage.database import Database
from service.wiring import Container
from tests.support.api import ADMIN
from tests.support.receivers import (
    free_port,
    is_careful,
    pay,
    posted,
    send_all,
    service,
    started,
    survives_what_breaks_off,
)

RECEIVERS = Path(__file__).parents[2] / "examples" / "receivers"
in_each_language = pytest.mark.parametrize(
    "name",
    # npm fetches the library of the other one.
    ["receive.py", pytest.param("receive.mjs", marks=pytest.mark.soak)],
)


def _program(name: str, cwd: Path) -> tuple[str, ...]:
    """Put a receiver into a directory with what it needs, and return how it is started."""
    if name.endswith(".py"):
        return (sys.executable, str(RECEIVERS / name))
    for file in (name, "package.json"):
        shutil.copyfile(RECEIVERS / file, cwd / file)
    subprocess.run(["npm", "install", "--silent"], cwd=cwd, check=True)
    return ("node", name)


@in_each_language
async def test_a_receiver_of_the_official_library_is_told_once_that_it_was_paid(
    name: str, database: Database, tmp_path: Path
) -> None:
    hook = f"http://127.0.0.1:{(port := free_port())}/hook"
    clock = ManualClock(datetime.now(UTC))  # the receiver believes nothing that was signed long ago
    served: list[Container] = []
    async with service(database, clock, served.append) as client:
        await send_all(*served)  # a server that has begun: it hears what is written from then on
        added = await client.post(
            "/api/webhook-endpoints",
            json={"url": hook, "events": ["session.*"]},
            headers={"Authorization": f"Bearer {ADMIN}"},
        )
        secret = added.json()["secret"]
        # The second of two secrets, as while it is rotated.
        env = {"WEBHOOK_SECRET": f"{_another()},{secret}", "PORT": str(port)}
        async with started(*_program(name, tmp_path), cwd=tmp_path, **env) as receiver:
            assert await posted(hook, b"{}", {"webhook-id": "1"}) == 400
            clock.advance(timedelta(seconds=10))
            await pay(client, "order-1")
            await send_all(*served)
            assert receiver.stdout is not None
            assert await receiver.stdout.readline() == b"paid order-1\n"
            await is_careful(hook, receiver, secret)
            await survives_what_breaks_off(hook)
        path = f"/api/webhook-endpoints/{added.json()['endpoint']['id']}/deliveries"
        sent = await client.get(path, headers={"Authorization": f"Bearer {ADMIN}"})
    assert {one["status"] for one in sent.json()["deliveries"]} == {"delivered"}


def _another() -> str:
    return "whsec_" + Webhook("whsec_" + "A" * 32).sign("a", datetime.now(UTC), "b")[3:]


def test_the_receivers_are_what_the_page_of_examples_says() -> None:
    page = (RECEIVERS.parent / "README.md").read_text()
    assert {one.name for one in RECEIVERS.iterdir()} == {
        "receive.py",
        "receive.mjs",
        "package.json",
    }
    assert "uv run examples/receivers/receive.py" in page
    assert "npm install && npm start" in page
