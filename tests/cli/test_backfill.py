"""`tillgate events backfill`: what it prints, and that Ctrl-C ends it between two events."""

import asyncio
import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from service.cli.signals import told_to_stop
from service.core.visible import has_hidden
from tests.cli.running import TILLGATE, clean_environment, tillgate
from tests.support.built import app
from tests.support.events import stripe_intent
from tests.support.patience import IN_TIME
from tests.support.settings import VARIABLES
from tests.support.shop import Shop, shop

__all__ = ["app", "shop"]

WANTED = ("events", "backfill", "--type", "payment_intent.succeeded", "--since", "2026-11-01")


@pytest.fixture
def env(shop: Shop, mongo_uri: str) -> dict[str, str]:
    """The variables of a command on the shop's database."""
    return VARIABLES | {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": shop.database.name}


async def _as_before(shop: Shop, **fields: Any) -> None:
    """Pay a session, and bring its ledger row to what the version before had written."""
    session = await shop.api.open()
    await shop.receive(shop.stripe("payment_intent.succeeded", stripe_intent(session, **fields)))
    shop.pass_time(seconds=1)
    nothing = {"$set": {"details": {}, "places": {}, "aliases": []}}
    await shop.database["payments"].update_many({}, nothing)
    await shop.database["webhook_events"].update_many(
        {}, {"$unset": {"facts.0.payment.details": ""}}
    )


async def test_it_tells_what_would_be_filled_in_and_then_fills_it_in(
    shop: Shop, env: dict[str, str], tmp_path: Path
) -> None:
    await _as_before(shop)
    dry = await asyncio.to_thread(tillgate, *WANTED, "--dry-run", cwd=tmp_path, env=env)
    assert dry.returncode == 0, dry.stderr
    lines = [line.split("\t") for line in dry.stdout.splitlines()]
    [event] = await shop.events()
    charge = "ch_3SqB2mKd9rTzX4Lp1mWq0aRt"
    assert [event["_id"], "facts.0.payment.details.chargeId", "-", charge] in lines
    assert any(line[1].endswith("details.chargeId") and line[3] == charge for line in lines[2:])
    figures = (
        "Events read: 1. To be filled in: the facts of 1, the ledger rows of 1. To be replayed: 0."
    )
    assert figures in dry.stderr
    assert await shop.payments(aliases=charge) == []
    done = await asyncio.to_thread(tillgate, *WANTED, cwd=tmp_path, env=env)
    assert (done.returncode, done.stdout) == (0, dry.stdout)
    assert len(await shop.payments(aliases=charge)) == 1
    again = await asyncio.to_thread(tillgate, *WANTED, cwd=tmp_path, env=env)
    assert (again.returncode, again.stdout) == (0, "")
    assert "Nothing differs." in again.stderr
    wanted = [*WANTED[: WANTED.index("--type")], "--type", "no.such_type", "--since", "2026-01-01"]
    none = await asyncio.to_thread(tillgate, *wanted, "--dry-run", cwd=tmp_path, env=env)
    assert "No event of this type has come since." in none.stderr


async def test_what_a_provider_sent_acts_on_no_terminal(
    shop: Shop, env: dict[str, str], tmp_path: Path
) -> None:
    await _as_before(shop, latest_charge="ch_\u001b]0;owned\u0007\u202e", payment_method="x" * 200)
    [row] = await shop.events()
    hidden = {
        "_id": "stripe:default:test:evt_\u001b[2J",
        **{k: v for k, v in row.items() if k != "_id"},
    }
    await shop.database["webhook_events"].delete_many({})
    await shop.database["webhook_events"].insert_one(hidden)
    done = await asyncio.to_thread(tillgate, *WANTED, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert r"\u001b]0;owned\u0007\u202e" in done.stdout
    assert not has_hidden(done.stdout + done.stderr)
    assert max(map(len, done.stdout.split("\t"))) < 200


async def test_what_is_skipped_is_told_with_its_reason(
    shop: Shop, env: dict[str, str], tmp_path: Path
) -> None:
    await _as_before(shop)
    await shop.database["webhook_events"].update_one({}, {"$set": {"payload": b"{"}})
    done = await asyncio.to_thread(tillgate, *WANTED, cwd=tmp_path, env=env)
    assert "1 left alone: can't be read" in done.stderr
    wrong = await asyncio.to_thread(tillgate, *WANTED, "--cursor", "x", cwd=tmp_path, env=env)
    assert wrong.returncode == 1


async def test_ctrl_c_ends_it_after_the_event_at_hand_and_it_tells_how_to_go_on(
    shop: Shop, env: dict[str, str], tmp_path: Path
) -> None:
    for _ in range(3):
        await _as_before(shop)
    admin = shop.database.client.admin
    # Its second update waits: it is surely under way, and not at its end, when the signal comes.
    hold = {"failCommands": ["update"], "blockConnection": True, "blockTimeMS": 1500}
    set_ = await admin.command(
        {"configureFailPoint": "failCommand", "mode": {"skip": 1}, "data": hold}
    )
    try:
        process = await asyncio.to_thread(
            subprocess.Popen,
            [TILLGATE, *WANTED],
            cwd=tmp_path,
            env=clean_environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        await admin.command(
            {
                "waitForFailPoint": "failCommand",
                "timesEntered": set_["count"] + 1,
                "maxTimeMS": int(IN_TIME * 1000),
            }
        )
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.to_thread(process.communicate, timeout=IN_TIME)
    finally:
        await admin.command({"configureFailPoint": "failCommand", "mode": "off"})
    assert process.returncode == 130, err
    assert "Events read: 1. Filled in: the facts of 1" in err
    assert "Traceback" not in err
    assert out
    cursor = err.partition("Go on with --cursor ")[2].strip()
    ended = await shop.database["audit_log"].find_one({"action": "backfill.ended"})
    assert ended is not None
    assert ended["detail"]["read"] == 1
    rest = await asyncio.to_thread(tillgate, *WANTED, "--cursor", cursor, cwd=tmp_path, env=env)
    assert "Events read: 2. Filled in: the facts of 2, the ledger rows of 2." in rest.stderr
    assert (
        json.dumps(await shop.payments(), default=str).count('"ch_3SqB2mKd9rTzX4Lp1mWq0aRt"') == 6
    )


async def test_whoever_is_told_to_stop_stops_once_and_signals_end_what_comes_after() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with told_to_stop() as stopping:
        signal.raise_signal(signal.SIGTERM)
        await stopping.wait()
        assert stopping.is_set()
    assert signal.getsignal(signal.SIGTERM) is before
