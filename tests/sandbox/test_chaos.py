"""The plan of faulty deliveries: pure, seeded, and never without the right event."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.errors import InvalidInput
from tillgate_sandbox.chaos import Chaos, Fault, merge, plan, read_chaos, times

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
chaoses = st.builds(
    Chaos,
    faults=st.lists(st.sampled_from(get_args(Fault)), unique=True).map(tuple),
    copies=st.integers(1, 9),
    delay_ms=st.integers(0, 5000),
    seed=st.integers(0, 2**31),
)


@given(st.integers(0, 6), chaoses, st.text(max_size=9))
def test_same_seed_gives_the_same_plan(events: int, chaos: Chaos, salt: str) -> None:
    assert plan(events, chaos, salt, NOW) == plan(events, chaos, salt, NOW)


@given(st.integers(1, 6), chaoses)
def test_every_event_is_planned_untampered_and_within_the_delay(events: int, chaos: Chaos) -> None:
    planned = plan(events, chaos, "salt", NOW)

    copies = chaos.copies if "duplicate" in chaos.faults else 1
    right = Counter(one.event for one in planned if not one.tamper)
    assert right == {event: copies for event in range(events)}
    latest = NOW + timedelta(milliseconds=2 * chaos.delay_ms + len(planned))
    assert all(NOW <= one.due_at <= latest for one in planned)
    assert all(0 <= one.drops <= 2 for one in planned)


def test_copies_of_an_event_are_due_at_the_same_moment() -> None:
    planned = plan(2, Chaos(("duplicate",), copies=5), "salt", NOW)

    assert Counter(one.due_at for one in planned) == {
        NOW: 5,
        NOW + timedelta(milliseconds=1): 5,
    }


def test_without_faults_events_come_once_in_their_order() -> None:
    planned = plan(3, Chaos(), "salt", NOW)

    assert [one.event for one in planned] == [0, 1, 2]
    assert [one.due_at for one in planned] == sorted(one.due_at for one in planned)


def test_what_is_dropped_is_told_in_words() -> None:
    notes = {one.note for seed in range(9) for one in plan(9, Chaos(("drop",), seed=seed), "", NOW)}

    assert notes == {None, "dropped once", "dropped twice"}
    assert times(3) == "3 times"


def test_own_faults_win_over_the_standing_ones() -> None:
    standing = {"faults": ["drop"]}

    assert merge(None, None) == Chaos()
    assert merge(None, standing).faults == ("drop",)
    assert merge({"faults": []}, standing).faults == ()


@pytest.mark.parametrize(
    "stored",
    [
        {"faults": ["rain"]},
        {"faults": "drop"},
        {"copies": 0},
        {"copies": 101},
        {"delayMs": -1},
        {"delay": 5},
        {"seed": "seven"},
    ],
)
def test_faults_that_do_not_exist_are_refused(stored: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="faults can't be used"):
        read_chaos(stored)  # type: ignore[arg-type]
