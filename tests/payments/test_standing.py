"""The total order of the facts about one payment, word by word and rank by rank."""

import itertools
from datetime import timedelta

import pytest

from service.payments.payments.states import LIVE, PaymentStatus, standing
from tests.conftest import NOON

# Between two rows time has no say, within one the later fact stands.
RANKS = (
    ("pending", "authorized", "failed"),
    ("abandoned", "canceled"),
    ("succeeded",),
    ("refunded",),
    ("reversed",),
)
LATER = NOON + timedelta(days=9)


@pytest.mark.parametrize(("below", "above"), [*itertools.combinations(RANKS, 2)])
def test_what_outranks_stands_however_early_it_was(
    below: tuple[str, ...], above: tuple[str, ...]
) -> None:
    for less, more in itertools.product(below, above):
        assert standing(PaymentStatus(more), NOON) > standing(PaymentStatus(less), LATER)


@pytest.mark.parametrize("rank", RANKS)
def test_within_a_rank_the_later_fact_stands_and_within_a_second_the_more_final(
    rank: tuple[str, ...],
) -> None:
    for one, other in itertools.product(rank, rank):
        assert standing(PaymentStatus(one), LATER) > standing(PaymentStatus(other), NOON)
    for less, more in itertools.pairwise(rank):
        assert standing(PaymentStatus(more), NOON) > standing(PaymentStatus(less), NOON)


def test_a_final_failure_ranks_with_what_nothing_is_waited_for_any_more() -> None:
    for above in RANKS[0]:
        assert standing(PaymentStatus.FAILED, NOON, final=True) > standing(
            PaymentStatus(above), LATER
        )
    for equal in RANKS[1]:
        later = standing(PaymentStatus.FAILED, LATER, final=True)
        assert later > standing(PaymentStatus(equal), NOON)
        assert standing(PaymentStatus(equal), LATER) > standing(
            PaymentStatus.FAILED, NOON, final=True
        )
    assert standing(PaymentStatus.REVERSED, NOON, final=True) == standing(
        PaymentStatus.REVERSED, NOON
    )


def test_these_are_all_and_what_is_under_way_is_pending_or_held() -> None:
    assert sorted(itertools.chain(*RANKS)) == sorted(PaymentStatus)
    assert {"pending", "authorized"} == LIVE


def test_within_a_second_a_final_failure_stands_above_our_giving_up_and_below_a_cancellation() -> (
    None
):
    failed = standing(PaymentStatus.FAILED, NOON, final=True)
    assert failed > standing(PaymentStatus.ABANDONED, NOON)
    assert failed < standing(PaymentStatus.CANCELED, NOON)
