"""The rules alone, against an oracle that counts minutes on the wall."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from service.recovery.operations.lift import difference
from service.recovery.states import (
    APART,
    LEFT_FOR,
    OUTCOME_AFTER,
    WINDOW,
    Arm,
    End,
    Hours,
    Left,
    Now,
    RecoveryStatus,
    Remind,
    Step,
    Wait,
    after_quiet,
    arm_of,
    next_step,
)
from service.sessions.states import Status

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
ALWAYS = Hours((1, 7, 23), 0, 0)
NIGHT = Hours((1, 7, 23), 21, 8)
# Forward and back by an hour and by half of one, by night and by day, at midnight, and never.
ZONES = (
    *("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"),
    *("America/Santiago", "Asia/Kathmandu", "Africa/Cairo", "UTC", "Pacific/Chatham"),
)
# A change of some zone is near each.
CHANGES = (
    datetime(2026, 3, 8, 7, tzinfo=UTC),
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 4, 5, 3, tzinfo=UTC),
    datetime(2026, 4, 23, 22, tzinfo=UTC),
    datetime(2026, 9, 6, 4, tzinfo=UTC),
    datetime(2026, 10, 3, 15, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
)


def _quiet_on_the_wall(at: datetime, zone: str, hours: Hours) -> bool:
    """Return whether a clock on a wall shows a quiet hour: told by each hour's name."""
    shown = at.astimezone(ZoneInfo(zone)).hour
    hour, named = hours.quiet_from, set()
    while hour != hours.quiet_until:
        named.add(hour)
        hour = (hour + 1) % 24
    return shown in named


def _first_loud_minute(at: datetime, zone: str, hours: Hours) -> datetime:
    minute = at
    while _quiet_on_the_wall(minute, zone, hours):
        minute = (minute + timedelta(minutes=1)).replace(second=0, microsecond=0)
    return minute


@given(
    zone=st.sampled_from(ZONES),
    near=st.sampled_from(CHANGES),
    away=st.integers(-26 * 60, 26 * 60),
    seconds=st.integers(0, 59),
    begin=st.integers(0, 23),
    end=st.integers(0, 23),
)
def test_the_night_ends_when_a_clock_on_the_wall_says_so(
    zone: str, near: datetime, away: int, seconds: int, begin: int, end: int
) -> None:
    at = near + timedelta(minutes=away, seconds=seconds)
    hours = Hours((1,), begin, end)
    assert after_quiet(at, zone, hours) == _first_loud_minute(at, zone, hours)


def test_an_hour_that_the_clock_skips_ends_the_night_at_once() -> None:
    # In Berlin the clock goes from 2 to 3: a night until 2 ends at 3, which is an hour after 1.
    night = Hours((1,), 22, 2)
    at = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # 1:30
    assert after_quiet(at, "Europe/Berlin", night) == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_an_hour_that_comes_twice_is_quiet_twice() -> None:
    night = Hours((1,), 22, 3)
    at = datetime(2026, 10, 24, 23, tzinfo=UTC)  # 1:00, and 2:00 comes twice
    assert after_quiet(at, "Europe/Berlin", night) == datetime(2026, 10, 25, 2, tzinfo=UTC)


def test_control_the_same_night_by_another_zone_ends_at_another_time() -> None:
    at = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    ends = {after_quiet(at, zone, NIGHT) for zone in ("Europe/Berlin", "Asia/Kolkata", "UTC")}
    assert len(ends) == 3


def _left(**more: object) -> Left:
    return Left(**({"at": NOON, "until": NOON + OUTCOME_AFTER} | more))  # type: ignore[arg-type]


def _is(**more: object) -> Now:
    usual = {"status": Status.PENDING, "changed_at": NOON, "expires_at": NOON + WINDOW}
    return Now(**(usual | more))  # type: ignore[arg-type]


def _step(left: Left, is_: Now, after: timedelta, arm: Arm = Arm.REMINDED) -> Step:
    return next_step(left, is_, arm, ALWAYS, "UTC", NOON + after)


def test_a_session_is_reminded_of_an_hour_after_it_was_left_and_not_before() -> None:
    almost = LEFT_FOR - timedelta(minutes=1)
    assert _step(_left(), _is(), almost) == Wait(NOON + LEFT_FOR)
    assert _step(_left(), _is(), LEFT_FOR) == Remind(1)


def test_three_times_at_most_and_six_hours_apart() -> None:
    again = NOON + timedelta(hours=5)
    twice = _left(reminders=1, reminded_at=again)
    assert _step(twice, _is(), timedelta(hours=8)) == Wait(again + APART)
    thrice = _left(reminders=3, reminded_at=again)
    assert _step(thrice, _is(), timedelta(hours=30)) == Wait(NOON + OUTCOME_AFTER)


def test_nobody_is_reminded_a_day_after_the_session_expired() -> None:
    expired = _is(status=Status.EXPIRED, expires_at=NOON - timedelta(hours=1))
    last = WINDOW - timedelta(hours=1)
    assert _step(_left(), expired, last) == Remind(1)
    assert _step(_left(), expired, last + timedelta(minutes=1)) == Wait(NOON + OUTCOME_AFTER)


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELED])
def test_who_failed_or_canceled_is_not_reminded(status: Status) -> None:
    assert _step(_left(), _is(status=status), LEFT_FOR) == Wait(NOON + OUTCOME_AFTER)


def test_who_paid_is_counted_at_once_and_who_did_not_in_the_end() -> None:
    assert _step(_left(), _is(paid=True), LEFT_FOR) == End(RecoveryStatus.PAID)
    assert _step(_left(), _is(), OUTCOME_AFTER) == End(RecoveryStatus.UNPAID)


def test_who_is_held_out_or_wants_none_is_never_reminded_and_counted_all_the_same() -> None:
    for hours in range(72):
        at = timedelta(hours=hours)
        assert _step(_left(), _is(), at, Arm.HELD_OUT) == Wait(NOON + OUTCOME_AFTER)
        assert _step(_left(), _is(unwanted=True), at) == Wait(NOON + OUTCOME_AFTER)
    assert _step(_left(), _is(), OUTCOME_AFTER, Arm.HELD_OUT) == End(RecoveryStatus.UNPAID)


def test_while_money_may_be_under_way_nobody_is_reminded_but_looked_at_again() -> None:
    assert _step(_left(), _is(under_way=True), LEFT_FOR) == Wait(NOON + 2 * LEFT_FOR)


def test_who_did_something_since_is_left_alone_for_an_hour() -> None:
    moved = NOON + timedelta(minutes=30)
    assert _step(_left(), _is(changed_at=moved), LEFT_FOR) == Wait(moved + LEFT_FOR)


def test_nothing_is_put_off_beyond_the_moment_at_which_what_came_of_it_is_counted() -> None:
    counted = NOON + OUTCOME_AFTER
    almost = OUTCOME_AFTER - LEFT_FOR / 2
    long = _is(expires_at=NOON + OUTCOME_AFTER)
    assert _step(_left(), replace(long, under_way=True), almost) == Wait(counted)
    late = Hours((80,), 0, 0)
    assert next_step(_left(), long, Arm.REMINDED, late, "UTC", NOON) == Wait(counted)
    assert next_step(_left(), long, Arm.REMINDED, Hours((70,), 0, 0), "UTC", NOON) == Wait(
        NOON + timedelta(hours=70)
    )


@pytest.mark.parametrize(("hour", "until"), [(20, 20), (21, 32), (23, 32), (31, 32), (32, 32)])
def test_the_first_hour_of_the_night_is_quiet_and_the_one_after_it_is_not(
    hour: int, until: int
) -> None:
    midnight = NOON.replace(hour=0)
    found = after_quiet(midnight + timedelta(hours=hour), "UTC", NIGHT)
    assert found == midnight + timedelta(hours=until)


def test_a_customer_is_in_one_arm_whatever_they_begin_and_as_many_are_held_out_as_are_wanted() -> (
    None
):
    arms = [arm_of("default", f"user_{n}", 10) for n in range(5000)]
    assert arms == [arm_of("default", f"user_{n}", 10) for n in range(5000)]
    assert 400 < arms.count(Arm.HELD_OUT) < 600
    assert {arm_of("default", f"user_{n}", 0) for n in range(500)} == {Arm.REMINDED}
    # Who is held out at 10 % is so at 20 %, too; and another merchant's are others.
    held = {n for n, arm in enumerate(arms) if arm is Arm.HELD_OUT}
    assert held <= {n for n in range(5000) if arm_of("default", f"user_{n}", 20) is Arm.HELD_OUT}
    assert held != {n for n in range(5000) if arm_of("alpha", f"user_{n}", 10) is Arm.HELD_OUT}


@pytest.mark.parametrize(
    ("paid", "of", "paid_without", "of_without", "low", "high"),
    [  # Newcombe (1998), table II, method 10
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0),
    ],
)
def test_the_interval_is_the_published_one(
    paid: int, of: int, paid_without: int, of_without: int, low: float, high: float
) -> None:
    found = difference(paid, of, paid_without, of_without)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_of_nobody_there_is_no_difference() -> None:
    assert difference(1, 2, 0, 0) is None
    assert difference(0, 0, 1, 2) is None
