"""Few sales, each in a quarter-hour of its own: a query names some of these at once."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from service.analytics.documents import DirtyBucket, TrackedEvent
from service.analytics.operations import rebuilding
from service.analytics.operations.beside import ALL_SERIES, read_series
from service.analytics.operations.rebuilding import begin_rebuild
from service.analytics.repository import facts
from service.storage.database import Database
from tests.analytics.behind import FIRST, LAST, Behind
from tests.analytics.counting import Counting
from tests.analytics.rows import opened
from tests.bookkeeping.books import CRON
from tests.conftest import NOON
from tests.support.shop import Shop

APART = timedelta(minutes=30)


async def test_what_is_asked_for_in_parts_is_one_pass(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "SPANS_AT_ONCE", 2)
    behind = Behind(shop.database, shop.clock, random.Random(1))  # noqa: S311 - no secret
    counting = Counting(shop, random.Random(2))  # noqa: S311 - no secret
    await counting.open()
    for _ in range(25):
        await behind.sell()
        await counting.track()
        await counting.come()
        shop.pass_time(minutes=35)
    for step in (behind.sweep, behind.roll, behind.move, behind.sweep, behind.both):
        await step()
        await behind.check()
    await counting.count()
    await begin_rebuild(FIRST, LAST, CRON, shop.clock)
    await counting.check()
    await behind.roll()
    await counting.check()
    await behind.check()


async def test_a_rebuild_marks_the_same_however_little_one_command_goes_through(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sales, days and tracked events of 40 hours; the control goes through the first part only."""
    behind = Behind(shop.database, shop.clock, random.Random(1))  # noqa: S311 - no secret
    counting = Counting(shop, random.Random(2))  # noqa: S311 - no secret
    for _ in range(8):
        await behind.sell()
        await counting.track()
        shop.pass_time(hours=5)
    await behind.sweep()
    await behind.roll()
    await behind.make_days()
    await counting.count()
    whole = await _marks_of_a_rebuild(shop, LAST)
    assert len(whole) > 16
    monkeypatch.setattr(rebuilding, "_WEEK", timedelta(hours=7))
    assert await _marks_of_a_rebuild(shop, LAST + timedelta(days=1)) == whole
    monkeypatch.setattr(rebuilding, "_weeks", lambda span, _: [(span[0], NOON)])
    assert await _marks_of_a_rebuild(shop, LAST + timedelta(days=2)) < whole


async def _marks_of_a_rebuild(shop: Shop, until: datetime) -> set[datetime]:
    marks = shop.database[DirtyBucket.collection_name()]
    await marks.delete_many({})
    begun = await begin_rebuild(FIRST, until, CRON, shop.clock)
    found = {row["bucket"] async for row in marks.find()}
    assert begun.buckets == len(found)
    return found


async def test_no_query_names_more_times_than_the_database_plans_soon(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control names all of them."""
    for n in range(130):
        await opened(f"s-{n}", NOON - n * APART)
        given = {"_id": f"ev-{n}", "merchantId": "default", "type": "payment"}
        row = TrackedEvent.new_row(given | {"at": NOON - n * APART, "purgeAt": LAST})
        await shop.database[TrackedEvent.collection_name()].insert_one(row)
    assert await _most_times(shop) == facts.SPANS_AT_ONCE
    monkeypatch.setattr(facts, "SPANS_AT_ONCE", 1000)
    assert await _most_times(shop) >= 130


async def _most_times(shop: Shop) -> int:
    """Count the times in the longest query of a rebuild, and of the answers meanwhile."""
    behind = Behind(shop.database, shop.clock, random.Random(3))  # noqa: S311 - no secret
    counting = Counting(shop, random.Random(3))  # noqa: S311 - no secret
    await shop.database.command({"profile": 2})
    await behind.sweep()
    await behind.totals()
    shop.pass_time(hours=1)
    await counting.count()
    await begin_rebuild(FIRST, LAST, CRON, shop.clock)
    await read_series("default", (FIRST, LAST), "UTC", ALL_SERIES)
    await behind.roll()
    await shop.database.command({"profile": 0})
    found = await _queries(shop.database)
    await shop.database["system.profile"].drop()
    return max(len(one.get("$or", ())) for one in found)


async def _queries(database: Database) -> list[dict[str, Any]]:
    found = []
    async for row in database["system.profile"].find():
        said = row.get("command", {})
        stages = said.get("pipeline") or [{}]
        found += [said.get("filter"), said.get("q"), stages[0].get("$match")]
    return [one for one in found if one]
