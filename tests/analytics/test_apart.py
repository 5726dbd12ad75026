"""Whatever becomes of figures, payments go on: nothing on their way reads or writes them."""

import pytest
from pymongo.errors import OperationFailure

from service.core.errors import Unavailable
from service.jobs.operations.run import run_job
from service.storage.indexes import apply_indexes
from service.stored import DOCUMENTS
from tests.analytics.test_now import BASE, asked, roll_up
from tests.bookkeeping.books import CRON
from tests.support.api import ADMIN
from tests.support.shop import Shop

KEPT = (
    *("figures_facts", "figures_dirty", "figures_state", "rollups"),
    *("rollup_days", "rollup_months"),
)
FIGURES = (*KEPT, "figures_cache")


async def _switched(shop: Shop, *, off: bool) -> None:
    """Have the database refuse every write to the collections of figures, or take them again."""
    rule = {"$expr": False} if off else {}
    for name in FIGURES:
        await shop.database.command({"collMod": name, "validator": rule})


async def test_payments_go_on_while_figures_can_not_be_kept(shop: Shop) -> None:
    before = {
        name: (await shop.database.list_collections(filter={"name": name})).to_list()
        for name in FIGURES
    }
    rules = {
        name: (await found)[0].get("options", {}).get("validator", {})
        for name, found in before.items()
    }
    await _switched(shop, off=True)
    try:
        session = await shop.api.open()
        told = await shop.api.told(shop.stripe_paid(session))
        assert told["outcome"] == "processed"
        assert (await shop.session(session["sessionId"]))["status"] == "completed"
        with pytest.raises((OperationFailure, Unavailable)):
            await run_job("figures", shop.api.container.job_table, CRON)
        # What is read from the rows themselves needs no figure that is kept.
        shop.pass_time(minutes=1)
        found = await asked(shop, "realtime", currency="INR")
        assert found["metrics"]["today"]["revenue"] == session["amount"]
    finally:
        for name, rule in rules.items():
            await shop.database.command({"collMod": name, "validator": rule})
    await roll_up(shop)
    again = await shop.api.call("GET", f"{BASE}/realtime?currency=INR", ADMIN)
    assert again.json()["metrics"]["today"]["revenue"] == session["amount"]


async def test_collections_that_are_gone_are_made_anew_as_the_docs_say(shop: Shop) -> None:
    session = await shop.api.open()
    assert (await shop.api.told(shop.stripe_paid(session)))["outcome"] == "processed"
    shop.pass_time(minutes=1)
    await roll_up(shop)
    before = await asked(shop, "dashboard", currency="INR")
    for name in KEPT:
        await shop.database[name].drop()
    other = await shop.api.open(sessionId="after")
    assert (await shop.api.told(shop.stripe_paid(other)))["outcome"] == "processed"
    # The control: without its indexes what is kept of figures can't be read.
    with pytest.raises((OperationFailure, Unavailable)):
        await roll_up(shop)
    await apply_indexes(shop.database, DOCUMENTS)
    await roll_up(shop)
    shop.pass_time(minutes=1)
    now = (await asked(shop, "dashboard", currency="INR"))["metrics"]["revenue"]["today"]["current"]
    assert now == before["metrics"]["revenue"]["today"]["current"] + other["amount"]
