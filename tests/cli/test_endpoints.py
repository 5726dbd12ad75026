"""`tillgate endpoints`: what a script takes from it, and what a person reads."""

import asyncio
from pathlib import Path

from standardwebhooks import Webhook

from tests.cli.running import tillgate
from tests.support.built import app
from tests.support.settings import VARIABLES
from tests.support.shop import Shop, shop

__all__ = ["app", "shop"]

HOOK = "http://127.0.0.1:9/hook"


async def test_the_secret_alone_is_the_output_and_is_shown_once(
    shop: Shop, mongo_uri: str, tmp_path: Path
) -> None:
    env = VARIABLES | {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": shop.database.name}

    async def run(*arguments: str) -> tuple[str, str]:
        command = ("endpoints", *arguments)
        done = await asyncio.to_thread(tillgate, *command, cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip(), done.stderr

    secret, added = await run("add", HOOK, "--events", "session.*,refund.failed")
    assert Webhook(secret)  # as it stands: a script gives it to the receiver
    assert " UTC on." in added
    listed, _ = await run("list")
    endpoint_id, url, events, state, _ = listed.split("\t")
    assert (url, events, state) == (HOOK, "session.* refund.failed", "active")
    newer, rotated = await run("rotate", endpoint_id)
    assert Webhook(newer)
    assert newer != secret
    assert "the one before signs, too, for 24 hours" in rotated
    _, changed = await run("set", endpoint_id, "--disable")
    assert "is disabled (by hand)." in changed
    seen = "".join([*await run("list"), *await run("sent", endpoint_id)])
    assert secret not in seen
    assert newer not in seen
