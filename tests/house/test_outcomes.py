"""What a failing test leaves behind, and that no limit of the product is over while tests run."""

import inspect

from service.providers.stripe import adapter
from service.storage.answering import answers_in_time
from service.storage.group_commit import queue
from tests.support.limits import genuine, hastily
from tests.support.outcomes import cut
from tests.support.patience import IN_TIME


def test_a_log_is_cut_to_its_end_and_says_so() -> None:
    assert cut("one\ntwo\n") == "one\ntwo\n"
    told = cut("\n".join(f"line {number}" for number in range(100))).splitlines()
    assert told[0] == "... 60 lines before"
    assert told[1:] == [f"line {number}" for number in range(60, 100)]
    assert len(cut("x" * 5_000)) < 700


def _default() -> object:
    return inspect.signature(answers_in_time).parameters["seconds"].default


def test_a_limit_is_long_but_in_a_test_about_it_and_known_all_the_same() -> None:
    assert [genuine(answers_in_time, "seconds"), genuine(adapter, "CALL_SECONDS")] == [3.0, 2.0]
    assert {queue.ANSWER_WITHIN_S, _default(), adapter.CALL_SECONDS} == {IN_TIME}
    with hastily(0.5):
        assert {queue.ANSWER_WITHIN_S, _default()} == {0.5}
    assert {queue.ANSWER_WITHIN_S, _default()} == {IN_TIME}
