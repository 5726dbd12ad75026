"""The page of operations in a real browser: wide and narrow, dark, by keyboard alone."""

import pytest

from service.core.clock import SystemClock
from service.storage.database import Database
from tests.dashboard.operated import PAGE, Slow, event, failed_run, give_up, over
from tests.sandbox.looks import look_at
from tests.sandbox.visitor import Visitor, signed_in
from tests.support.axe import violations

pytestmark = pytest.mark.browser

_LOOKS = [(360, "dark"), (360, "light"), (1280, "dark"), (1280, "light")]


@pytest.mark.soak
async def test_the_page_fits_whatever_stands_in_it(visitor: Visitor, database: Database) -> None:
    """Soak: in each width and scheme; `test_every_page` looks at each page once."""
    clock = SystemClock()
    await signed_in(visitor, PAGE)
    await look_at(visitor, {"operations-empty": PAGE}, _LOOKS[:1])
    waiting = [event(clock), event(clock, _id="evt_2", status="review")]
    await database["webhook_events"].insert_many(waiting)
    await give_up(database, clock)
    for _ in range(2):
        await database["job_runs"].insert_one(failed_run(clock))
    await look_at(visitor, {"operations": PAGE}, _LOOKS)


async def test_every_button_works_by_keyboard_and_the_page_follows_a_run(
    visitor: Visitor, database: Database
) -> None:
    page, table = visitor.page, visitor.lab.app.state.container.job_table
    slow = Slow()
    table.jobs["slow"] = slow.job
    await signed_in(visitor, PAGE)

    async def press(words: str) -> None:
        for _ in range(200):
            if await page.evaluate("document.activeElement.ariaLabel") == words:
                break
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")

    async def said(words: str) -> None:
        await page.wait_for_selector(f'#said:has-text("{words}")')
        assert await page.evaluate("document.activeElement.id") == "said"

    await press("Run now: slow")
    await said("A run of slow has begun.")
    assert await visitor.text("#now-slow .badge") == "running"
    assert await violations(page) == []
    await visitor.keep("operations-running")
    await press("Pause: slow")
    await said("slow is paused.")
    slow.let_go.set()
    await over(table)
    await page.wait_for_selector('#now-slow:has-text("steps: 7")')  # nobody has reloaded it
    assert await visitor.text("#now-slow .badge") == "paused"
    await press("Resume: slow")
    await said("slow runs again")
    await give_up(database, SystemClock(), "topic:1")
    await visitor.go(PAGE)
    await press("Redeliver: topic:1:test")
    await said("topic:1:test is tried again now.")
    assert "Nothing was given up." in await visitor.text("#dead")
