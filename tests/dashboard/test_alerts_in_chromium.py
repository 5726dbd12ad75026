"""The page of alerts in a real browser: wide and narrow, dark, by keyboard alone."""

import pytest

from service.core.clock import SystemClock
from service.notifications.alerts.operations.agree import agree
from service.notifications.alerts.operations.condition import Sighting
from service.storage.database import Database
from tests.dashboard.operated import EVIL
from tests.sandbox.looks import look_at
from tests.sandbox.visitor import Visitor, signed_in
from tests.support.axe import violations

pytestmark = pytest.mark.browser

PAGE = "/dashboard/alerts"
_LOOKS = [(360, "dark"), (360, "light"), (1280, "dark"), (1280, "light")]
_LATE = (
    "The job cleanup has not succeeded for 20 min; it is called every 5 min. Late: it is to be "
    "called every 5 min, and nobody has called it for 20 min. Look whether its CronJob is there."
)


@pytest.mark.soak
async def test_the_page_fits_whatever_stands_in_it(visitor: Visitor, database: Database) -> None:
    """Soak: in each width and scheme; `test_every_page` looks at each page once."""
    now = SystemClock().now()
    await signed_in(visitor, PAGE)
    await look_at(visitor, {"alerts-empty": PAGE}, _LOOKS[:1])
    await agree("jobs_late", [Sighting(_LATE, "cleanup")], now, None)
    await agree("events_dead", [Sighting(EVIL, f"{EVIL}{'x' * 300}", EVIL)], now, None)
    await look_at(visitor, {"alerts": PAGE, "alerts-strip": "/dashboard/operations"}, _LOOKS)


async def test_one_is_closed_by_keyboard(visitor: Visitor, database: Database) -> None:
    page = visitor.page
    await agree("jobs_late", [Sighting(_LATE, "cleanup")], SystemClock().now(), None)
    await signed_in(visitor, PAGE)
    for _ in range(40):
        if await page.evaluate("document.activeElement.name") == "reason":
            break
        await page.keyboard.press("Tab")
    await page.keyboard.type("Known.")
    await page.keyboard.press("Enter")
    await page.wait_for_selector('#said:has-text("Closed.")')
    assert await page.evaluate("document.activeElement.id") == "said"
    assert "Nothing is open." in await visitor.text("main")
    assert await violations(page) == []
