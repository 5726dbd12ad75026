"""Why a job is late or failed is told in words, and of one that is well nothing is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.jobs.documents import JobRun
from service.jobs.operations.job import About
from service.jobs.operations.listing import Listed
from service.jobs.operations.telling import called, is_late, status_of, trouble

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVERY = About("tidy", "tidies up", timedelta(minutes=5))
BY_HAND = About("tidy", "tidies up")


def _listed(*runs: JobRun, about: About = EVERY, **fields: Any) -> Listed:
    return Listed(about, fields.get("paused_at"), fields.get("succeeded_at"), runs)


def _run(ago: timedelta, state: str = "done", error: str | None = None) -> JobRun:
    began = NOW - ago
    ended = None if state == "running" else began + timedelta(seconds=3)
    given = {"job": "tidy", "fence": 1, "by": "jobs:cron", "startedAt": began, "endedAt": ended}
    row = given | {"state": state, "figures": {}, "error": error, "_id": "0" * 24}
    return JobRun.model_validate(row)


@pytest.mark.parametrize(
    "listed",
    [
        _listed(_run(timedelta(minutes=15))),
        _listed(_run(timedelta(seconds=20), "running")),
        _listed(_run(timedelta(days=9)), about=BY_HAND),
        _listed(about=BY_HAND),
    ],
)
def test_of_what_is_well_nothing_is_told(listed: Listed) -> None:
    assert (trouble(listed, NOW), is_late(listed, NOW)) == (None, False)


@pytest.mark.parametrize(
    ("listed", "words", "late"),
    [
        (_listed(), "Nobody has called it yet: it is to be called every 5 min", False),
        (_listed(_run(timedelta(minutes=16))), "nobody has called it for 16 min. Look", True),
        (
            _listed(_run(timedelta(minutes=1), "failed", "Stripe did not answer.")),
            "Its last run failed: Stripe did not answer. No run has succeeded yet.",
            False,
        ),
        (
            _listed(
                _run(timedelta(hours=3), "failed", "not now"),
                succeeded_at=NOW - timedelta(hours=4),
            ),
            "for 3 h. Look whether its CronJob is there, is not suspended, and has a jobs key that "
            "is valid. Its last run failed: not now. The last one that succeeded ended 4 h ago.",
            True,
        ),
        (_listed(_run(timedelta(minutes=1), "lost")), "its process ended, or another run", False),
        (
            _listed(_run(timedelta(days=1)), paused_at=NOW - timedelta(days=1)),
            "Paused since 2026-11-20 12:00:00 UTC: nobody runs it until it is resumed.",
            False,
        ),
        (
            _listed(_run(timedelta(days=1), "failed"), about=BY_HAND),
            "Its last run failed: the log says why.",
            False,
        ),
    ],
)
def test_why_it_does_not_do_what_it_is_for_is_told(listed: Listed, words: str, late: bool) -> None:
    told = trouble(listed, NOW)
    assert told is not None
    assert words in told
    assert is_late(listed, NOW) is late


@pytest.mark.parametrize(
    ("every", "words"),
    [
        (None, "by hand"),
        (timedelta(seconds=90), "every 90 s"),
        (timedelta(minutes=5), "every 5 min"),
        (timedelta(hours=6), "every 6 h"),
    ],
)
def test_when_it_is_called_is_told_in_words_that_a_table_does_not_break(
    every: timedelta | None, words: str
) -> None:
    assert called(About("a", "b", every)) == words


def test_the_error_is_left_out_where_it_stands_beside() -> None:
    listed = _listed(_run(timedelta(minutes=1), "failed", "Stripe did not answer."))
    beside = "Its last run failed. No run has succeeded yet."
    assert trouble(listed, NOW, names_error=False) == beside


@pytest.mark.parametrize(
    ("listed", "word"),
    [
        (_listed(), "has not run yet"),
        (_listed(_run(timedelta(minutes=1))), "done"),
        (_listed(_run(timedelta(minutes=1), "running")), "running"),
        (_listed(_run(timedelta(minutes=9), "lost")), "lost"),
        (_listed(_run(timedelta(minutes=16))), "late"),
        (_listed(_run(timedelta(minutes=16)), paused_at=NOW), "paused"),
        # It ends after its batch.
        (_listed(_run(timedelta(minutes=1), "running"), paused_at=NOW), "running"),
    ],
)
def test_one_word_says_how_a_job_stands(listed: Listed, word: str) -> None:
    assert status_of(listed, NOW) == word
