"""Why a job does not do what it is for, in the words of the page and of the command line. Pure."""

from datetime import datetime

from service.core.words import age, moment
from service.jobs.documents import JobRun
from service.jobs.operations.job import About
from service.jobs.operations.listing import Listed

# A run that is skipped, or slow, is no reason to look.
_MISSED = 3


def called(about: About) -> str:
    """Return when a job is called: `every 5 min`, `by hand`."""
    if about.every is None:
        return "by hand"
    minutes, seconds = divmod(int(about.every.total_seconds()), 60)
    if seconds:
        return f"every {minutes * 60 + seconds} s"
    return f"every {minutes // 60} h" if minutes % 60 == 0 else f"every {minutes} min"


def is_late(listed: Listed, now: datetime) -> bool:
    """Return whether a job has not been begun for three times as long as it should be."""
    if listed.about.every is None or listed.paused_at is not None or not listed.runs:
        return False
    last = listed.runs[0]
    began_long_ago = now - last.started_at > _MISSED * listed.about.every
    return began_long_ago and last.state != "running"


def status_of(listed: Listed, now: datetime) -> str:
    """Return in a word how a job stands: `paused`, `late`, or as its last run does."""
    last = listed.runs[0] if listed.runs else None
    if last is not None and last.state == "running":
        return "running"
    if listed.paused_at is not None:
        return "paused"
    if last is None:
        return "has not run yet"
    return "late" if is_late(listed, now) else last.state


def trouble(listed: Listed, now: datetime, *, names_error: bool = True) -> str | None:
    """Return why a job is late or failed, and what to look at; None where nothing is wrong.

    `names_error` is false where the error of the last run stands beside.
    """
    if listed.paused_at is not None:
        return f"Paused since {moment(listed.paused_at)}: nobody runs it until it is resumed."
    if not listed.runs:
        return _never_run(listed.about)
    last = listed.runs[0]
    if last.state == "running":
        return None
    parts = [_late(listed, last, now), _ended(listed, last, now, names_error)]
    return " ".join(part for part in parts if part) or None


def _never_run(about: About) -> str | None:
    if about.every is None:
        return None
    return f"Nobody has called it yet: it is to be called {called(about)}, by a CronJob."


def _late(listed: Listed, last: JobRun, now: datetime) -> str | None:
    if not is_late(listed, now):
        return None
    return (
        f"Late: it is to be called {called(listed.about)}, and nobody has called it for "
        f"{age(now - last.started_at)}. Look whether its CronJob is there, is not suspended, and "
        "has a jobs key that is valid."
    )


def _ended(listed: Listed, last: JobRun, now: datetime, names_error: bool) -> str | None:
    if last.state == "done":
        return None
    if last.state == "failed":
        error = f": {(last.error or 'the log says why').rstrip('.')}" if names_error else ""
        how = f"Its last run failed{error}."
    else:
        how = "Its last run was lost: its process ended, or another run took over."
    if listed.succeeded_at is None:
        return f"{how} No run has succeeded yet."
    return f"{how} The last one that succeeded ended {age(now - listed.succeeded_at)} ago."
