"""Whatever becomes of figures, payments go on: nothing on their way reads or writes them."""

import pytest
from pymongo.errors import OperationFailure

from service.core.errors import Unavailable
from service.jobs.operations.run import run_job
from tests.analytics.test_now import BASE, asked, roll_up
from tests.bookkeeping.books import CRON
from tests.support.api import ADMIN
from tests.support.shop import Shop

FIGURES = (
    *("figures_facts", "figures_dirty", "figures_state", "rollups"),
    *("rollup_days", "rollup_months", "figures_cache"),
)


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
