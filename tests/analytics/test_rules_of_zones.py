"""What was added up by other rules of a zone than those of now, and sums that are too large."""

import random
from datetime import timedelta

import pytest

from service.analytics.documents import DayRollup, FiguresState, MonthRollup, Rollup
from service.analytics.operations import month_rows
from service.analytics.operations.beside import ALL_SERIES, read_series
from service.analytics.operations.figures import part_of
from service.analytics.operations.folding import Bucket
from service.analytics.operations.months import make_months
from service.analytics.operations.remaking import Replaced, make_days, replace
from service.analytics.repository import longer
from service.analytics.states import SERIES, Counts, Grain, Part
from service.core.clock import ManualClock
from service.storage.database import Database
from service.storage.plain import in_transaction
from tests.analytics.behind import (
    FIRST,
    FOREVER,
    LAST,
    Behind,
    day_starts,
    hour_of_day,
    month_starts,
)
from tests.analytics.rows import one_sale
from tests.conftest import NOON

_BEFORE = "Etc/GMT-2"
_ALL = (FIRST, LAST)


async def _made(database: Database, clock: ManualClock, seed: int) -> Behind:
    """Return a merchant with a sale at each noon of ten weeks and their days, but no months."""
    behind = Behind(database, clock, random.Random(seed))  # noqa: S311 - no secret
    await behind.move_house(_BEFORE)
    for n in range(70):
        await _sell(behind, n)
    await behind.sweep()
    await behind.roll()
    await make_days("default", None, FOREVER)
    return behind


async def _sell(behind: Behind, days: int) -> None:
    name, at = f"s-{len(behind.sales)}", NOON - timedelta(days=days)
    behind.sales.append(await one_sale(behind.draw, name, at))


async def _rules_change(behind: Behind, zone: str) -> None:
    """Let the days that there are be of a zone whose rules are those of another one now."""
    await behind.move_house(zone)
    states = behind.database[FiguresState.collection_name()]
    await states.update_one({"_id": "default"}, {"$set": {"zone": zone}})


async def _hold(behind: Behind) -> None:
    await behind.hold(_ALL, Grain.DAY, day_starts)
    await behind.hold(_ALL, Grain.MONTH, month_starts)
    await behind.hold(_ALL, Grain.HOUR_OF_DAY, hour_of_day)


@pytest.mark.parametrize("zone", ["Etc/GMT-3", "Etc/GMT-1"])
async def test_a_month_has_its_quarter_hours_where_a_day_is_another_one_now(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    behind = await _made(database, clock, 1)
    await _rules_change(behind, zone)
    await _sell(behind, 30)  # its day is made by the rules of now, and takes the place of two
    await behind.sweep()
    await behind.roll()
    assert await make_months("default", ManualClock(LAST), None, FOREVER) >= 2
    await _hold(behind)
    # The control: months of their days alone.
    states = database[FiguresState.collection_name()]
    await states.update_one({"_id": "default"}, {"$set": {"monthsUntil": None}})
    monkeypatch.setattr(month_rows, "apart_from", lambda *_: [])
    await make_months("default", ManualClock(LAST), None, FOREVER)
    with pytest.raises(AssertionError):
        await _hold(behind)


async def test_rules_that_come_back_find_no_day_of_before(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day that was made by others took the place of all that it overlaps; of the control not."""
    behind = await _made(database, clock, 5)
    await _rules_come_and_go(behind, 30)
    await _hold(behind)
    monkeypatch.setattr(longer, "LONGEST_DAY", timedelta(0))
    await _rules_come_and_go(behind, 40)
    with pytest.raises(AssertionError):
        await _hold(behind)


async def _rules_come_and_go(behind: Behind, days: int) -> None:
    """Sell something while others hold."""
    await _rules_change(behind, "Etc/GMT-1")
    await _sell(behind, days)
    await behind.sweep()
    await behind.roll()
    await _rules_change(behind, _BEFORE)


@pytest.mark.parametrize("zone", ["Etc/GMT-3", "Etc/GMT-1"])
async def test_a_day_of_webhooks_alone_says_nothing_of_money(
    database: Database, clock: ManualClock, zone: str
) -> None:
    """Webhooks of a day are counted by the rules of now; its sales stand in two others."""
    behind = await _made(database, clock, 2)
    await _rules_change(behind, zone)
    at = NOON - timedelta(days=9)
    counts: Counts = {"n": 1, "amount": 1}
    counted = Bucket(at, SERIES, {}, {Part.TRACKED: {"payment": counts}}, {}, None)
    await in_transaction(lambda tx: replace(Replaced("default", SERIES, {at}, [counted]), tx))
    await _hold(behind)
    await make_months("default", ManualClock(LAST), None, FOREVER)
    currencies = await database[MonthRollup.collection_name()].distinct("currency")
    assert currencies
    assert SERIES not in currencies
    await _hold(behind)
    # The control: were it one of money, too, its sales would be missing.
    days = database[DayRollup.collection_name()]
    await days.update_one({"currency": SERIES}, {"$set": {"currency": "EUR"}})
    with pytest.raises(AssertionError):
        await _hold(behind)


@pytest.mark.parametrize("zone", ["Etc/GMT-3", "Etc/GMT-1"])
async def test_a_day_of_money_alone_says_nothing_of_webhooks(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    """Sales of a day are added up by the rules of now; its webhooks stand in two others."""
    behind = await _made(database, clock, 6)
    counts: Counts = {"n": 1, "amount": 1}
    at = NOON - timedelta(days=9)
    counted = Bucket(at, SERIES, {}, {Part.TRACKED: {"payment": counts}}, {}, None)
    await in_transaction(lambda tx: replace(Replaced("default", SERIES, {at}, [counted]), tx))
    states = database[FiguresState.collection_name()]
    await states.update_one({"_id": "default"}, {"$set": {"seriesUntil": NOON}})
    await _rules_change(behind, zone)
    await _sell(behind, 9)
    await behind.sweep()
    await behind.roll()

    async def read() -> dict[str, Counts]:
        span = NOON - timedelta(days=20), NOON
        return {**part_of(await read_series("default", span, zone, ALL_SERIES), Part.TRACKED)}

    assert await read() == {"payment": counts}
    # The control: were days of money those of webhooks, too, they would be missing.
    monkeypatch.setattr(longer, "SERIES", None)
    assert await read() == {}


async def test_webhooks_that_change_late_remove_no_month(
    database: Database, clock: ManualClock
) -> None:
    behind = await _made(database, clock, 3)
    await make_months("default", ManualClock(LAST), None, FOREVER)
    kept = await database[MonthRollup.collection_name()].find({}).to_list()
    counted = Bucket(NOON - timedelta(days=60), SERIES, {}, {}, {}, None)
    what = Replaced("default", SERIES, {counted.at}, [counted])
    await in_transaction(lambda tx: replace(what, tx))
    assert await database[MonthRollup.collection_name()].find({}).to_list() == kept
    await _hold(behind)


async def test_a_month_whose_sum_is_too_large_holds_up_none_after_it(
    database: Database, clock: ManualClock
) -> None:
    """It is passed over, and its days answer; the next run does not try it again.

    One that was made before, of which a state that was restored knows nothing, goes.
    """
    behind = await _made(database, clock, 4)
    await make_months("default", ManualClock(LAST), None, FOREVER)
    states = database[FiguresState.collection_name()]
    await states.update_one({"_id": "default"}, {"$set": {"monthsUntil": None}})
    days = await database[DayRollup.collection_name()].find({}).sort([("bucket", 1)]).to_list()
    [*large] = [one for one in days if one["currency"] == days[0]["currency"]][:2]
    for day in large:
        within = {"bucket": {"$gte": day["bucket"], "$lt": day["until"]}}
        for name in (DayRollup.collection_name(), Rollup.collection_name()):
            wanted = within | {"currency": day["currency"]}
            await database[name].update_one(wanted, {"$set": {"totals.gross": 2**62}})
    await make_months("default", ManualClock(LAST), None, FOREVER)
    begins = await database[MonthRollup.collection_name()].distinct("bucket")
    assert len(begins) >= 2
    assert min(begins) > large[0]["bucket"]
    assert await make_months("default", ManualClock(LAST), None, FOREVER) == 0
    await behind.hold(_ALL, Grain.MONTH, month_starts)
