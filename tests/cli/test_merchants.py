"""`tillgate merchants`: added, shown, changed, suspended and resumed as an operator types it."""

import asyncio

from tests.cli.running import Run
from tests.support.built import app
from tests.support.shop import Shop, shop

__all__ = ["app", "shop"]


async def _done(run: Run, *arguments: str) -> str:
    done = await asyncio.to_thread(run, "merchants", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_a_merchant_is_added_changed_shown_and_suspended(shop: Shop, run: Run) -> None:
    origins = ("--return-origin", "https://a.example", "--return-origin", "https://b.example")
    await _done(run, "add", "alpha", "--zone", "Asia/Kolkata", "--currency", "inr", *origins)
    await _done(run, "set", "alpha", "--currency", "", "--sender", "billing@a.example")
    await _done(run, "suspend", "alpha", "--reason", "ticket 4711")
    shown = dict(line.split("\t") for line in (await _done(run, "show", "alpha")).splitlines())
    assert shown["zone"] == "Asia/Kolkata"
    assert shown["currency"] == "DEFAULT_CURRENCY"
    assert shown["return origins"] == "https://a.example, https://b.example"
    assert (shown["state"], shown["reason"]) == ("suspended", "ticket 4711")
    assert shown["by"].startswith("admin:cli:")
    await _done(run, "resume", "alpha")
    [row] = await shop.database["merchants"].find({"_id": "alpha"}).to_list()
    assert (row["suspended"], row["name"], row["mailSender"]) == (
        None,
        "alpha",
        "billing@a.example",
    )
    listed = [line.split("\t")[0] for line in (await _done(run, "list")).splitlines()]
    assert listed == ["alpha"]


async def test_what_can_not_be_done_is_told_in_words(shop: Shop, run: Run) -> None:
    calls = {
        ("merchants", "add", "a b"): "takes 1 to 40 letters",
        ("merchants", "add", "alpha", "--zone", "Nowhere"): "time zone",
        ("merchants", "set", "alpha"): "Say what to change",
        ("merchants", "show", "nobody"): "no such merchant",
        ("keys", "create", "secret", "--merchant", "nobody"): "no such merchant",
    }
    for arguments, words in calls.items():
        done = await asyncio.to_thread(run, *arguments)
        assert done.returncode != 0, arguments
        assert words in " ".join(done.stderr.split()), done.stderr
    assert await shop.database["api_keys"].count_documents({}) == 0
