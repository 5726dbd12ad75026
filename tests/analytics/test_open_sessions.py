"""Sessions that wait are counted by an index alone: a flood of them is not read for a dashboard."""

from datetime import timedelta

import pytest

from service.analytics.repository.live import Live, live_of, pending_since
from service.storage.database import Database
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
