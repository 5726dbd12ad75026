"""Waits that grow: twice as long each time, to six hours, and never all at the same moment."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.inbox.states import FIRST_WAIT as FIRST_OF_EVENTS
from service.leases import backoff as waits
from service.leases.backoff import JITTER, LONGEST, backoff, jittered
from service.outbox.operations.turn import FIRST_WAIT as FIRST_OF_MESSAGES


@pytest.mark.parametrize(
    ("first", "published"), [(FIRST_OF_EVENTS, [1, 2, 4, 8]), (FIRST_OF_MESSAGES, [2, 4, 8, 16])]
)
def test_the_waits_are_those_that_are_published(first: timedelta, published: list[int]) -> None:
    assert [backoff(n, first).total_seconds() for n in (1, 2, 3, 4)] == published
    assert backoff(0, first) == first
    assert backoff(10**9, first) == LONGEST == timedelta(hours=6)


@given(st.integers(0, 10**6), st.timedeltas(timedelta(seconds=1), timedelta(hours=1)))
def test_a_wait_is_never_shorter_than_the_one_before(attempts: int, first: timedelta) -> None:
    assert backoff(attempts, first) <= backoff(attempts + 1, first) <= LONGEST


@given(st.timedeltas(timedelta(seconds=1), LONGEST))
def test_chance_takes_a_tenth_at_most_and_adds_nothing(wait: timedelta) -> None:
    shortest = wait * (1 - JITTER) - timedelta(milliseconds=1)
    assert shortest <= jittered(wait) <= wait + timedelta(milliseconds=1)


def _moments() -> set[timedelta]:
    return {jittered(timedelta(hours=1)) for _ in range(50)}


def test_what_failed_together_does_not_come_back_together() -> None:
    assert len(_moments()) > 25


def test_control_without_chance_all_come_back_at_one_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waits, "JITTER", 0)
    assert len(_moments()) == 1
