"""Where the facts put a session: a pure function, and the words that it goes by."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.sessions.states import (
    BY_HAND,
    ENDED,
    MOVES,
    SETTLED,
    Status,
    is_more_final,
    standing,
)

WORDS = st.sampled_from(["failed", "expired"])
OPEN_OR_ENDED = st.sampled_from(sorted(set(Status) - SETTLED))


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


@pytest.mark.parametrize("status", sorted(ENDED - SETTLED))
def test_what_only_facts_move_no_hand_does(status: Status) -> None:
    assert MOVES[status] - BY_HAND[status] <= {Status.PROCESSING, Status.FAILED}
    assert Status.PROCESSING in MOVES[status] - BY_HAND[status]
    assert Status.COMPLETED in BY_HAND[status]
