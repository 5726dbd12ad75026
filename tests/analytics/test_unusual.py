"""Hours unlike the same hours of other weeks: planted ones are found, quiet ones are not."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from service.analytics.operations.unusual import WEEKS, Unusual, What, of_provider, same_hours
from service.analytics.states import Counts
from tests.analytics.weeks import HOUR, SUCCESS, hour_of, quiet_hours

Hours = Mapping[datetime, Mapping[str, Counts]]
BEGINS = datetime(2026, 1, 5, tzinfo=UTC)
WEEK = timedelta(weeks=1)
QUIET = 200


def _quiet(seed: int, weeks: int) -> dict[datetime, Mapping[str, Counts]]:
    draw = random.Random(seed)  # noqa: S311 - no secret
    return dict(quiet_hours(draw, BEGINS, weeks))


def _same(at: datetime) -> Sequence[datetime]:
    return [at - n * WEEK for n in range(1, WEEKS + 1)]


def _all(at: datetime) -> Sequence[datetime]:
    """Return all hours of the weeks before: no season."""
    return [at - n * HOUR for n in range(1, WEEKS * 168 + 1)]


def _look(
    hours: Hours,
    at: datetime,
    provider: str,
    now: Counts,
    others: Callable[[datetime], Sequence[datetime]] = _same,
) -> list[Unusual]:
    return [*of_provider(at, provider, now, [hours[one][provider] for one in others(at)])]


def test_two_hundred_quiet_weeks_raise_few_false_alarms() -> None:
    """Two, of 67,200 hours of a provider that are looked at twice."""
    hours = _quiet(2, QUIET + WEEKS)
    told = [
        one
        for at in hours
        if at >= BEGINS + WEEKS * WEEK
        for provider in SUCCESS
        for one in _look(hours, at, provider, hours[at][provider])
    ]
    assert len(told) <= 3
    assert len(hours) * len(SUCCESS) > 67_200


@pytest.fixture(scope="module")
def hours() -> Hours:
    """Return nine quiet weeks."""
    return _quiet(1, WEEKS + 1)


def _last_week(hour: int) -> list[datetime]:
    begins = BEGINS + WEEKS * WEEK
    return [begins + timedelta(days=day, hours=hour) for day in range(7)]


def _failing(draw: random.Random, of: Counts, rate: float) -> Counts:
    failed = sum(draw.random() > rate for _ in range(of["payment"]))
    return {"payment": of["payment"], "failed": failed, "paid": of["payment"] - failed}


def test_a_fall_of_success_is_found_by_day(hours: Hours) -> None:
    draw = random.Random(3)  # noqa: S311 - no secret
    for at in _last_week(14):
        for provider in SUCCESS:
            fallen = _failing(draw, hours[at][provider], 0.45)
            [found] = _look(hours, at, provider, fallen)
            assert (found.what, found.count) == (What.SUCCESS, fallen["payment"])


def test_a_night_in_which_nothing_comes_is_found(hours: Hours) -> None:
    for at in _last_week(3)[:6]:
        [found] = _look(hours, at, "stripe", {})
        assert (found.what, found.count) == (What.VOLUME, 0)


def test_a_rise_is_found_by_night(hours: Hours) -> None:
    draw = random.Random(4)  # noqa: S311 - no secret
    for at in _last_week(3):
        many = hour_of(draw, "stripe", at, mood=6)
        [found] = _look(hours, at, "stripe", many)
        assert found.what is What.VOLUME
        assert found.count > found.band.high


def test_control_without_the_season_a_night_says_nothing_or_the_wrong_thing(hours: Hours) -> None:
    """A night in which nothing comes is within all hours; one that is as always is not."""
    nights = _last_week(3)
    assert not any(_look(hours, at, "stripe", {}, _all) for at in nights)
    usual = [one for at in nights for one in _look(hours, at, "stripe", hours[at]["stripe"], _all)]
    usual += [
        one
        for hour in (1, 2, 4)
        for at in _last_week(hour)
        for one in _look(hours, at, "stripe", hours[at]["stripe"], _all)
    ]
    assert Counter(one.what for one in usual)[What.SUCCESS] > 3
    assert not any(_look(hours, at, "stripe", hours[at]["stripe"]) for at in nights)


def test_small_shops_hear_nothing() -> None:
    """Also where all of a few payments fail, or none comes."""
    draw = random.Random(5)  # noqa: S311 - no secret
    before = [hour_of(draw, "stripe", BEGINS, mood=0.2) for _ in range(WEEKS)]
    for now in ({}, {"payment": 6, "failed": 6}, {"payment": 19, "failed": 19}):
        assert [*of_provider(BEGINS, "stripe", now, before)] == []


def test_three_weeks_say_nothing_yet(hours: Hours) -> None:
    at = _last_week(14)[0]
    before = [hours[one]["stripe"] for one in _same(at)]
    failed = {"payment": 200, "failed": 200}
    assert [*of_provider(at, "stripe", failed, before[:3])] == []
    assert len([*of_provider(at, "stripe", failed, before[:4])]) >= 1


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_the_same_hours_are_those_of_the_clocks_on_the_wall(zone: str) -> None:
    there = ZoneInfo(zone)
    at = datetime(2026, 11, 18, 14, tzinfo=there).astimezone(UTC)
    walls = [one.astimezone(there) for one in same_hours(at, there)]
    assert {(one.weekday(), one.hour, one.minute) for one in walls} == {(2, 14, 0)}
    assert len({*walls}) == WEEKS
