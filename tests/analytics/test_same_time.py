"""Rows of before the database's time was kept have the second of their last change, as others."""

import random
from datetime import timedelta

import pytest

from service.analytics.operations import sweeping
from service.analytics.repository import sources
from service.core.clock import ManualClock
from service.storage.database import Database, DatabaseTime, Row
from tests.analytics.behind import Behind
from tests.analytics.rows import opened
from tests.conftest import NOON

_SECOND = int((NOON - timedelta(days=40)).timestamp())


async def _first_alone(*given: object) -> list[Row]:
    """Read as many as are asked for, whichever others were changed with the last of them."""
    *named, limited = given
    assert isinstance(limited, sources.Limited)
    found = sources.written(*named, limited.session)  # type: ignore[arg-type]
    return await found.limit(limited.rows).to_list()


@pytest.mark.parametrize(("at_once", "alone"), [(4, 8), (1, 4), (10, 10), (3, 10)])
@pytest.mark.parametrize("whole", [True, False], ids=["whole seconds", "control"])
async def test_what_was_changed_in_one_second_is_read_to_its_end(
    database: Database,
    clock: ManualClock,
    at_once: int,
    alone: int,
    monkeypatch: pytest.MonkeyPatch,
    *,
    whole: bool,
) -> None:
    """Three were changed in each second; the control passes by what stands behind a batch."""
    for n in range(10):
        row = await opened(f"s-{n}", NOON - timedelta(days=40))
        told = {"writtenAt": DatabaseTime(_SECOND + n // 3, 1)}
        await database["sessions"].update_one({"sessionId": row["sessionId"]}, {"$set": told})
    monkeypatch.setattr(sweeping, "AT_ONCE", at_once)
    if not whole:
        monkeypatch.setattr(sources, "written_after", _first_alone)
    behind = Behind(database, clock, random.Random(1))  # noqa: S311 - no secret
    await behind.sweep()
    assert await database["figures_facts"].count_documents({}) == (10 if whole else alone)
