"""What has answers computed anew: all that is counted but an opening, which counts with a run."""

from typing import Any

from service.jobs.operations.run import run_job
from tests.bookkeeping.books import CRON
from tests.support.api import ADMIN, SECRET
from tests.support.profiled import profiled
from tests.support.shop import Shop


class Viewer:
    """Somebody who reloads what became of sessions."""

    def __init__(self, shop: Shop) -> None:
        """Look at a shop."""
        self.shop = shop

    async def look(self) -> dict[str, int]:
        """Return how many sessions stand how; by now a second has passed."""
        self.shop.pass_time(seconds=2)
        path = "/api/v1/analytics/checkouts?days=7"
        answer = await self.shop.api.call("GET", path, ADMIN)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        lines = found["checkouts"]["byStatus"]
        return {one["status"]: one["count"] for one in lines if one["count"]}


async def _run_figures(shop: Shop) -> None:
    await run_job("figures", shop.api.container.job_table, CRON)


async def test_an_opened_session_counts_with_the_next_run_and_all_else_at_once(shop: Shop) -> None:
    viewer = Viewer(shop)
    first = await shop.api.open()
    assert await viewer.look() == {"pending": 1}
    second = await shop.api.open()
    await shop.api.open()
    assert await viewer.look() == {"pending": 1}
    await _run_figures(shop)
    assert await viewer.look() == {"pending": 3}

    await shop.api.told(shop.stripe_paid(first))
    assert await viewer.look() == {"pending": 2, "completed": 1}
    path = "/api/payment-sessions"
    body = {"sessionId": second["sessionId"], "status": "canceled"}
    answer = await shop.api.call("PUT", path, SECRET, json=body)
    assert answer.status_code == 200, answer.text
    assert await viewer.look() == {"pending": 1, "completed": 1, "canceled": 1}
    shop.pass_time(days=2)
    await shop.clean_up()
    assert await viewer.look() == {"expired": 1, "completed": 1, "canceled": 1}


async def test_a_run_that_reads_nothing_new_has_nothing_computed_anew(shop: Shop) -> None:
    viewer = Viewer(shop)
    await shop.api.open()
    await _run_figures(shop)
    await viewer.look()
    cache = shop.api.container.figures.cache
    before = await cache.answers.counted()
    assert before is not None
    await _run_figures(shop)
    await viewer.look()
    after = await cache.answers.counted()
    assert after is not None
    assert (after.misses, after.hits) == (before.misses, before.hits + 1)
    await shop.api.open()  # the control
    await _run_figures(shop)
    await viewer.look()
    last = await cache.answers.counted()
    assert last is not None
    assert last.misses == after.misses + 1


async def test_however_many_are_opened_a_question_looks_at_none_of_them(shop: Shop) -> None:
    viewer = Viewer(shop)
    for _ in range(3):
        await shop.api.open()
    await viewer.look()
    assert await _sessions_looked_at(viewer) == 0
    shop.pass_time(days=2)  # the control: what moved is looked at
    await shop.clean_up()
    await viewer.look()
    assert await _sessions_looked_at(viewer) > 0


async def _sessions_looked_at(viewer: Viewer) -> int:
    """Return how many keys are read to see whether an answer is still good."""
    async with profiled(viewer.shop.database) as done:
        await viewer.look()
    asked = [one for one in done if "aggregate" in one["command"]]
    return sum(one["keysExamined"] for one in asked if one["ns"].endswith(".sessions"))
