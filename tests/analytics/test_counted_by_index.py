"""What there may be very much of is counted by an index alone: nothing of it is read."""

from datetime import timedelta

import pytest

from service.analytics.operations.sweeping import sweep
from service.analytics.repository.facts import Which, count_who_retried
from service.analytics.repository.live import Live, live_of, pending_since
from service.core.clock import ManualClock
from service.storage.database import Database
from service.storage.plain import NO_TRANSACTION
from tests.analytics.behind import FIRST, FOREVER, LAST
from tests.analytics.rows import opened
from tests.conftest import NOON
from tests.support.profiled import profiled

_HOUR = timedelta(hours=1)


@pytest.fixture
async def waiting() -> None:
    """Six open sessions of a merchant in a currency, beside those that are not counted."""
    for number in range(4):
        await opened(f"p-{number}", NOON - number * _HOUR, userId=f"u-{number}")
    for number in range(2):
        await opened(f"t-{number}", NOON, userId=f"t-{number}", status="processing")
    await opened("over", NOON, userId="over", expiresAt=NOON - _HOUR)
    await opened("done", NOON, userId="done", status="completed")
    await opened("euros", NOON, userId="euros", currency="EUR")
    await opened("others", NOON, userId="others", merchantId="another")


async def test_open_sessions_are_counted_and_none_is_read(
    database: Database, waiting: None
) -> None:
    async with profiled(database) as done:
        assert await live_of("default", "USD", NOON) == Live(pending=4, processing=2)
    assert sum(one.get("docsExamined", 0) for one in done) == 0
    async with profiled(database) as control:
        assert await pending_since("default", "USD", NOON - _HOUR, NOON) == 2
    assert sum(one.get("docsExamined", 0) for one in control) == 4


async def test_who_tried_again_is_counted_and_no_fact_is_read(
    database: Database, clock: ManualClock
) -> None:
    """The control: where one is known better, the others are read to leave it out."""
    for number in range(6):
        times = 3 if number < 4 else 1
        await opened(
            f"s-{number}", NOON, userId=f"u-{number % 3}", attempts=times, owner=f"{number}"
        )
    await sweep("default", clock, None, FOREVER)
    found = {row["payer"] async for row in database["figures_facts"].find({"tries": {"$gt": 0}})}
    whole = Which("default", [(FIRST, LAST)])
    async with profiled(database) as done:
        assert await count_who_retried(whole, "USD", (), NO_TRANSACTION) == len(found) == 3
    assert sum(one.get("docsExamined", 0) for one in done) == 0
    assert await count_who_retried(whole, "USD", found, NO_TRANSACTION) == 0
    [one] = await database["figures_facts"].find({"tries": {"$gt": 0}}).limit(1).to_list()
    but = Which("default", [(FIRST, LAST)], [one["_id"]])
    async with profiled(database) as control:
        assert await count_who_retried(but, "USD", (), NO_TRANSACTION) in {2, 3}
    assert sum(one.get("docsExamined", 0) for one in control) == 4
