"""The pages of figures and reports in a real browser: empty, full, and with hostile words."""

import random
from datetime import timedelta

import pytest

from service.core.clock import SystemClock
from service.jobs.operations.run import run_job
from tests.analytics.rows import one_sale
from tests.bookkeeping.books import CRON
from tests.dashboard.operated import EVIL
from tests.reports.months import change_all
from tests.sandbox.looks import look_at
from tests.sandbox.visitor import Visitor, signed_in
from tests.support.axe import violations

pytestmark = pytest.mark.browser

FIGURES, REPORTS = "/dashboard/figures", "/dashboard/reports"
_LOOKS = [(360, "dark"), (360, "light"), (1280, "dark"), (1280, "light")]

_OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
_CUT = """[...document.querySelectorAll('.scroll')]
  .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.ariaLabel)"""


async def _sold(visitor: Visitor) -> None:
    """Have a shop that sold for seventy days, with a failure that has hostile words."""
    container, now = visitor.lab.app.state.container, SystemClock().now()
    database = container.database
    for number in range(160):
        draw = random.Random(number)  # noqa: S311 - no secret
        await one_sale(draw, f"s-{number}", now - timedelta(hours=draw.randrange(1, 70 * 24)))
    said = {"$set": {"failureCode": f"{EVIL}{'x' * 60}"}}
    await database["payments"].update_many({"failureCode": "bank_timeout"}, said)
    await change_all(database)
    for name in ("payments", "refunds", "disputes"):
        await database[name].update_many({}, {"$set": {"unposted": True}})
    for name in ("entries", "figures", "reports"):
        await run_job(name, container.job_table, CRON)
    await container.figures.cache.answers.forget()


@pytest.mark.soak
async def test_the_pages_fit_whatever_stands_in_them(visitor: Visitor) -> None:
    """Soak: in each width and scheme; `test_every_page` looks at each page once."""
    await signed_in(visitor, FIGURES)
    await look_at(visitor, {"reports-empty": REPORTS, "figures-empty": FIGURES}, _LOOKS[:1])
    await visitor.page.evaluate(_OPEN_ALL)
    assert await visitor.page.evaluate(_CUT) == []  # at 360 px all four columns are seen
    await _sold(visitor)
    pages = {"figures": f"{FIGURES}?currency=USD", "reports": REPORTS}
    pages |= {one: f"{REPORTS}/{one}?currency=USD" for one in ("month", "week")}
    await look_at(visitor, pages, _LOOKS)
    await visitor.go(f"{FIGURES}?currency=USD")
    await visitor.page.evaluate(_OPEN_ALL)
    assert await violations(visitor.page) == []
    assert await visitor.page.locator("svg.columns rect").count() == 30
    await visitor.go(REPORTS)
    assert await visitor.page.get_by_text("closed", exact=True).count() >= 3
