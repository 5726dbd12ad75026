"""How refunds and disputes add up, on pure states: all orders end alike."""

import itertools
from datetime import timedelta

import pytest

from service.payments.disputes.states import (
    DisputeStatus,
    held_by,
    place_of,
    status_reported,
    withdrawn_by,
)
from service.payments.payments.operations.merging import capped
from service.payments.payments.states import said_by_the_greatest
from service.payments.refunds import states as refunds
from service.payments.refunds.states import RefundStatus
from service.providers.facts import DisputeUpdated, Movement
from service.storage.database import Row
from tests.conftest import NOON

REFUND = ["pending", "succeeded", "failed", "canceled"]


def _refund(order: tuple[tuple[str, int], ...]) -> Row:
    known: Row = {}
    places: dict[str, int] = {}
    for word, second in order:
        status = refunds.status_reported(word)
        said = {"status": status.value, "eventId": f"{word}{second}", "madeAt": NOON}
        said |= {"failureCode": "expired_card"} if word == "failed" else {}
        place = refunds.place_of(status, NOON + timedelta(seconds=second))
        known, places = said_by_the_greatest(known, places, said, place)
    return {**known, "places": places}


@pytest.mark.parametrize("seconds", [(0, 0, 0, 0), (3, 2, 1, 0), (0, 1, 0, 1)])
def test_all_subsets_of_a_refund_s_life_end_alike_in_all_orders(seconds: tuple[int, ...]) -> None:
    told = list(zip(REFUND, seconds, strict=True))
    for many in (1, 2, 3, 4):
        for some in itertools.combinations([*told, told[0]], many):
            ends = [_refund(order) for order in itertools.permutations(some)]
            assert all(one == ends[0] for one in ends), some


def test_a_refund_that_failed_stays_failed_whatever_its_times_say() -> None:
    end = _refund((("failed", 0), ("succeeded", 9), ("canceled", 5), ("pending", 99)))
    assert (end["status"], end["failureCode"]) == ("failed", "expired_card")


def test_control_by_the_times_alone_it_would_succeed_again() -> None:
    by_time = max((("failed", 0), ("succeeded", 9)), key=lambda one: one[1])
    assert by_time[0] == "succeeded"


def test_of_refunds_those_count_that_succeeded_and_those_are_reserved_that_are_under_way() -> None:
    amounts = [(status, 10**n) for n, status in enumerate(RefundStatus)]
    names = [status.value for status in RefundStatus]
    refunded, reserved = refunds.total(amounts)
    assert refunded == 10 ** names.index("succeeded")
    assert reserved == 10 ** names.index("approved") + 10 ** names.index("processing")


@pytest.mark.parametrize(
    ("total", "kept"), [(0, (0, 0)), (999, (999, 0)), (1000, (1000, 0)), (1001, (1000, 1))]
)
def test_no_more_is_refunded_than_was_paid(total: int, kept: tuple[int, int]) -> None:
    assert tuple(capped(total, 1000).values()) == kept


def test_an_id_that_is_derived_is_the_same_for_a_refund_and_another_for_each_other() -> None:
    one = refunds.derived_id("stripe", "default", "re_1")
    assert one == refunds.derived_id("stripe", "default", "re_1")
    assert len(one) == 26
    others = [("razorpay", "default", "re_1"), ("stripe", "acct_2", "re_1")]
    assert one not in {refunds.derived_id(*other) for other in others}


def _fact(status: str, **fields: object) -> DisputeUpdated:
    return DisputeUpdated("dp_1", "pi_1", 1000, "USD", status, **fields)  # type: ignore[arg-type]


LIFE = [
    _fact("inquiry", inquiry=True),
    _fact("needs_response"),
    _fact("under_review"),
    _fact("lost"),
    _fact("won"),
]


@pytest.mark.parametrize("seconds", [(0, 0, 0, 0, 0), (0, 1, 2, 3, 4), (4, 3, 2, 1, 0)])
def test_all_subsets_of_four_of_a_dispute_s_life_end_alike_in_all_orders(
    seconds: tuple[int, ...],
) -> None:
    told = list(zip(LIFE, seconds, strict=True))
    for many in (1, 2, 3, 4):
        for some in itertools.combinations(told, many):
            ends = {_dispute(order) for order in itertools.permutations(some)}
            assert len(ends) == 1, some


def _dispute(order: tuple[tuple[DisputeUpdated, int], ...]) -> str:
    known: Row = {}
    places: dict[str, int] = {}
    for fact, second in order:
        place = place_of(fact, NOON + timedelta(seconds=second))
        known, places = said_by_the_greatest(known, places, {"status": fact.status}, place)
    return str(known["status"])


def test_an_end_outlasts_what_stood_open_and_a_later_phase_every_earlier_one() -> None:
    won, open_again = _fact("won"), _fact("needs_response", phase="pre_arbitration")
    late = _fact("under_review")
    assert _dispute(((won, 0), (late, 9))) == "won"
    assert _dispute(((open_again, 5), (won, 9))) == "needs_response"
    appealed = _fact("under_review", provider_status="appeal_under_review")
    assert _dispute(((appealed, 9), (_fact("lost"), 3))) == "under_review"
    assert _dispute(((appealed, 3), (_fact("lost"), 9))) == "lost"
    escalated = ((_fact("closed", inquiry=True), 1), (_fact("needs_response"), 2))
    assert _dispute(escalated) == "needs_response"


@pytest.mark.parametrize(
    ("status", "withdrawn", "held"),
    [
        ("inquiry", None, 0),
        ("inquiry", 1000, 1000),
        ("needs_response", None, 1000),
        ("needs_response", 0, 1000),
        ("under_review", 700, 700),
        ("lost", None, 1000),
        ("lost", 400, 400),
        ("lost", 0, 0),
        ("won", 1000, 0),
        ("closed", None, 0),
    ],
)
def test_what_a_dispute_holds(status: str, withdrawn: int | None, held: int) -> None:
    assert held_by(DisputeStatus(status), withdrawn, 1000) == held


def test_what_is_withdrawn_is_the_sum_of_what_moved_or_what_was_deducted() -> None:
    out, back = Movement("1", -1000, "USD", fee=1500), Movement("2", 400, "USD")
    assert withdrawn_by([], None, 1000, "USD") is None
    assert withdrawn_by([], 700, 1000, "INR") == 700
    assert withdrawn_by([out], None, 1000, "USD") == 1000
    assert withdrawn_by([out, back], None, 1000, "USD") == 600
    euros = [Movement("1", -920, "EUR"), Movement("2", 930, "EUR")]
    assert withdrawn_by(euros[:1], None, 1000, "USD") == 1000
    assert withdrawn_by(euros, None, 1000, "USD") == 0


def test_words_of_before_are_still_understood_and_an_unknown_one_waits_for_an_answer() -> None:
    assert status_reported("warning_under_review") is DisputeStatus.INQUIRY
    assert status_reported("open") is DisputeStatus.NEEDS_RESPONSE
    assert status_reported("anything else") is DisputeStatus.NEEDS_RESPONSE
