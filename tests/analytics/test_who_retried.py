"""Who tried again is known of months that are over, and looked up of all else."""

import random
from datetime import timedelta

import pytest

from service.analytics.documents import MonthRollup
from service.analytics.operations import retrying
from service.analytics.operations.payers import packed
from service.analytics.operations.sweeping import sweep
from service.analytics.repository import facts
from service.core.clock import ManualClock
from service.storage.database import Database
from service.storage.plain import NO_TRANSACTION
from tests.analytics.behind import FIRST, FOREVER, LAST, Behind
from tests.analytics.rows import change, opened
from tests.conftest import NOON

_ALL = (FIRST, LAST)
_DAYS_80, _DAYS_20 = (NOON - timedelta(days=80), NOON), (NOON - timedelta(days=20), NOON)


async def _made(database: Database, clock: ManualClock, users: int) -> Behind:
    """Return a merchant with three months in which users tried again, most of them in two."""
    behind = Behind(database, clock, random.Random(users))  # noqa: S311 - no secret
    await behind.move_house("Asia/Kathmandu")
    for n in range(2 * users):
        at = NOON - timedelta(hours=behind.draw.randrange(90 * 24))
        user = f"user-{n % users}" if n % 3 else f"other-{n}"
        await opened(f"s-{n}", at, userId=user, attempts=2 if n % 5 else 1)
    # In a month that ends later than any time but that of all.
    await opened("later", NOON + timedelta(hours=50), userId="later", attempts=2)
    await _make(behind)
    return behind


async def _make(behind: Behind) -> None:
    await behind.sweep()
    await behind.roll()
    await behind.make_days()


async def _hold(behind: Behind) -> None:
    for span in (_ALL, _DAYS_80, _DAYS_20):
        await behind.hold_who_retried(span)


async def _forge(database: Database, **fields: object) -> None:
    """Let all months say that somebody else tried again."""
    months = database[MonthRollup.collection_name()]
    changed = await months.update_many({}, {"$set": fields})
    assert changed.modified_count >= 3


@pytest.mark.parametrize("users", [7, 400])
async def test_months_say_who_tried_again(
    database: Database, clock: ManualClock, users: int
) -> None:
    """Each is counted once, in whatever months; few are counted, and more are estimated."""
    behind = await _made(database, clock, users)
    await _hold(behind)
    await _forge(database, retried=b"")
    await behind.hold_who_retried(_DAYS_20)  # the control: these have no whole month
    for span in (_ALL, _DAYS_80):
        with pytest.raises(AssertionError):
            await behind.hold_who_retried(span)


async def test_who_tries_again_in_an_old_month_is_counted_at_once(
    database: Database, clock: ManualClock
) -> None:
    behind = await _made(database, clock, 7)
    before = await behind.who_retried(_ALL, "USD")
    row = await opened("late", NOON - timedelta(days=60), userId="late")
    for attempts, more in ((2, 1), (1, 0)):
        await change("sessions", row, attempts=attempts)
        for go_on in (behind.sweep, behind.roll, behind.make_days, behind.sweep):
            assert await behind.who_retried(_ALL, "USD") == before + more
            await _hold(behind)
            await go_on()


async def test_who_it_was_may_change_in_an_old_month(
    database: Database, clock: ManualClock
) -> None:
    """No count does: the month is made anew all the same."""
    behind = await _made(database, clock, 7)
    before = await behind.who_retried(_ALL, "USD")
    row = await opened("late", NOON - timedelta(days=60), userId="late", attempts=2)
    await _make(behind)
    assert await behind.who_retried(_ALL, "USD") == before + 1
    await change("sessions", row, userId="user-1")
    for go_on in (behind.sweep, behind.roll, behind.make_days, behind.sweep):
        assert await behind.who_retried(_ALL, "USD") == before
        await go_on()


async def test_months_of_before_it_was_kept_are_looked_up(
    database: Database, clock: ManualClock
) -> None:
    """In the control nobody tried again in them."""
    behind = await _made(database, clock, 7)
    await _forge(database, retried=b"")
    with pytest.raises(AssertionError):
        await behind.hold_who_retried(_ALL)
    await database[MonthRollup.collection_name()].update_many({}, {"$unset": {"retried": 1}})
    await _hold(behind)


async def test_of_a_time_that_is_a_month_nothing_else_is_looked_up(
    database: Database, clock: ManualClock
) -> None:
    behind = await _made(database, clock, 7)
    months = await database[MonthRollup.collection_name()].find({}).to_list()
    for span in {(one["bucket"], one["until"]) for one in months}:
        await behind.hold_who_retried(span)


async def test_a_time_without_a_whole_month_is_not_estimated(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control has some."""
    behind = await _made(database, clock, 7)
    monkeypatch.delattr(retrying, "estimate_of")
    assert await behind.who_retried(_DAYS_20, "USD") > 0
    with pytest.raises(NameError):
        await behind.who_retried(_ALL, "USD")


async def test_another_merchant_or_currency_is_not_counted(
    database: Database, clock: ManualClock
) -> None:
    """Neither in a month nor in the days after all of them."""
    behind = await _made(database, clock, 7)
    before = [await behind.who_retried(span, "USD") for span in (_ALL, _DAYS_20)]
    for days in (60, 3):
        new = {"userId": "new", "attempts": 2}
        at = NOON - timedelta(days=days)
        await opened(f"x-{days}", at, **new, currency="EUR")
        await opened(f"y-{days}", at, **new, merchantId="other")
    for is_made in (False, True):  # nobody has read these yet
        if is_made:
            await sweep("other", clock, None, FOREVER)
            await _make(behind)
        assert [await behind.who_retried(span, "USD") for span in (_ALL, _DAYS_20)] == before
        assert [await behind.who_retried(span, "EUR") for span in (_ALL, _DAYS_20)] == [1, 1]


@pytest.mark.parametrize("at_once", [5, 5_000])
async def test_however_many_tried_again_some_are_read_at_a_time(
    database: Database, clock: ManualClock, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A month says the same of them as all at once; in the control they are read at once."""
    monkeypatch.setattr(facts, "_AT_ONCE", at_once)
    behind = await _made(database, clock, 60)
    which = facts.Which("default", [_ALL])
    read = [some async for some in facts.who_retried(which, "USD", NO_TRANSACTION)]
    users = {one for some in read for one in some}
    assert sum(map(len, read)) == len(users) > 60
    assert (max(map(len, read)) <= 5) == (at_once == 5)
    for month in await database[MonthRollup.collection_name()].find({}).to_list():
        which = facts.Which("default", [(month["bucket"], month["until"])])
        whole = [
            one async for some in facts.who_retried(which, "USD", NO_TRANSACTION) for one in some
        ]
        assert month["retried"] == (packed(whole) or b"")
    await _hold(behind)
