"""Where the facts put a session: a pure function, and the words that it goes by."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.sessions.states import (
    BY_HAND,
    ENDED,
    FINAL,
    MOVES,
    OPEN,
    Lifetimes,
    Status,
    can_move,
    is_late,
    is_more_final,
    standing,
    status_at,
)
from tests.conftest import NOON

WORDS = st.sampled_from(["failed", "expired"])
OPEN_OR_ENDED = st.sampled_from(sorted(set(Status) - FINAL))


def _last_word(words: list[str]) -> str | None:
    kept: str | None = None
    for word in words:
        kept = word if is_more_final(word, kept) else kept
    return kept


@given(words=st.lists(WORDS, max_size=4))
def test_the_most_final_word_stands_whichever_came_first(words: list[str]) -> None:
    kept = {_last_word(list(order)) for order in itertools.permutations(words)}
    assert kept == {"failed" if "failed" in words else "expired" if words else None}


@given(live=st.booleans(), ended=st.none() | WORDS, otherwise=OPEN_OR_ENDED)
def test_money_under_way_comes_before_an_end_and_an_end_before_the_clock(
    live: bool, ended: str | None, otherwise: Status
) -> None:
    stands = standing(live=live, ended=ended, otherwise=otherwise)
    assert stands == ("processing" if live else ended or otherwise)


@given(before=OPEN_OR_ENDED, live=st.booleans(), ended=st.none() | WORDS)
def test_wherever_a_session_stands_there_is_a_move_to_where_the_facts_put_it(
    before: Status, live: bool, ended: str | None
) -> None:
    to = standing(live=live, ended=ended, otherwise=before)
    # A word is kept for good and `failed` is the most final: no fact makes an end less of one.
    if to is not before and (before, to) != (Status.FAILED, Status.EXPIRED):
        assert to in MOVES[before]


@pytest.mark.parametrize("status", sorted(ENDED - FINAL))
def test_what_only_facts_move_no_hand_does(status: Status) -> None:
    assert MOVES[status] - BY_HAND[status] <= {Status.PROCESSING, Status.FAILED}
    assert Status.PROCESSING in MOVES[status] - BY_HAND[status]
    assert Status.COMPLETED in BY_HAND[status]


def test_the_moves_are_these_and_no_others() -> None:
    assert {status.value: set(moves) for status, moves in MOVES.items()} == {
        "pending": {"processing", "completed", "failed", "expired", "canceled"},
        "processing": {"pending", "completed", "failed", "expired"},
        "failed": {"pending", "processing", "completed"},
        "expired": {"pending", "processing", "completed", "failed"},
        "canceled": {"completed"},
        "completed": set(),
    }
    assert {"pending", "processing"} == OPEN
    assert {"completed", "failed", "expired", "canceled"} == ENDED
    assert {"completed", "canceled"} == FINAL
    for before, after in itertools.product(Status, Status):
        assert can_move(before, after) == (after in MOVES[before])


def test_a_hand_makes_every_move_but_those_that_only_a_provider_knows_of() -> None:
    assert {
        (before.value, after.value)
        for before, moves in MOVES.items()
        for after in moves - BY_HAND[before]
    } == {("failed", "processing"), ("expired", "processing"), ("expired", "failed")}


def test_time_runs_out_for_what_is_pending_alone_and_at_the_very_moment() -> None:
    before = NOON + timedelta(microseconds=1)
    for status in Status:
        assert status_at(status, before, NOON) is status
        then = status_at(status, NOON, NOON)
        assert then is (Status.EXPIRED if status is Status.PENDING else status)
        assert is_late(status, before, NOON) == (status in ENDED)
        assert is_late(status, NOON, NOON) == (then in ENDED)


def test_what_ended_is_kept_for_its_time_and_what_is_open_for_good() -> None:
    life = Lifetimes(*(timedelta(days=n) for n in (1, 2, 3, 4)))
    assert [life.of(kind) for kind in ("payment", "checkout")] == [life.payment, life.checkout]
    for status in Status:
        expected = {Status.COMPLETED: NOON + timedelta(days=4)} | dict.fromkeys(OPEN)
        kept = expected.get(status, NOON + timedelta(days=3))
        assert life.purge_at(status, NOON) == kept
    forever = Lifetimes(*(timedelta(days=n) for n in (1, 2, 3)), purge_completed=None)
    assert forever.purge_at(Status.COMPLETED, NOON) is None
    assert forever.purge_at(Status.FAILED, NOON) == NOON + timedelta(days=3)


def test_of_two_words_on_an_end_the_second_stands_only_where_it_is_the_more_final() -> None:
    words = ("failed", "expired")
    assert [(a, b) for a in words for b in words if is_more_final(a, b)] == [("failed", "expired")]
    assert all(is_more_final(word, None) for word in words)
