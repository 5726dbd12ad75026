"""What the page of operations shows of queues and jobs, in words. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from service.core.ids import SESSION_ID
from service.core.principal import Principal
from service.core.words import age, counted, moment
from service.dashboard.said import shortened
from service.inbox.repository import OpenEvents
from service.inbox.states import InboxStatus
from service.jobs.documents import JobRun
from service.jobs.operations.listing import Listed, done_in
from service.jobs.operations.telling import called, status_of, trouble
from service.outbox.documents import Delivery
from service.outbox.operations.figures import Waiting
from service.outbox.repository import Depth
from service.providers.actors import actor
from service.providers.registry import REGISTRY

LONGEST_ID = 80
LONGEST_ERROR = 240

_EVENTS = {
    InboxStatus.PARKED: ("parked", "info"),
    InboxStatus.FAILED: ("failed", "warn"),
    InboxStatus.REVIEW: ("in review", "warn"),
    InboxStatus.DEAD: ("given up", "bad"),
}

_TONES = {
    "done": "good",
    "running": "info",
    "paused": "warn",
    "late": "bad",
    "failed": "bad",
    "lost": "bad",
}


class Queue(Struct, frozen=True):
    """Rows of one kind that wait: how many, since when, and which is the oldest."""

    name: str
    stands: str
    tone: str
    count: int
    since: str
    oldest: str


class RunLine(Struct, frozen=True):
    """A run of a job; `live` while it is under way."""

    state: str
    tone: str
    live: bool
    began: str
    took: str
    by: str
    did: str
    error: str


class JobLine(Struct, frozen=True):
    """A job: how it stands, its last run and those before it, and what can be done with it.

    `trouble`: why it is late, or what its last run came to.
    """

    name: str
    does: str
    called: str
    stands: str
    tone: str
    live: bool
    paused: bool
    trouble: str | None
    last: RunLine | None
    earlier: Sequence[RunLine]


class DeadLine(Struct, frozen=True):
    """A delivery that was given up. `session` is None where the reader can't open its page."""

    id: str
    shown: str
    about: str
    to: str
    merchant: str
    session_id: str
    session: str | None
    tried: str
    written: str
    given_up: str
    error: str


def queues(events: Iterable[OpenEvents], waits: Waiting, now: datetime) -> list[Queue]:
    """Return a line for each kind of rows that wait, or that were given up in the inbox."""
    return [
        *(_events(one, now) for one in events),
        *(_depth(f"Messages {one.name}", "not dispatched", one) for one in waits.undispatched),
        *(_depth(f"Lane {one.name.removesuffix(':')}", "waiting", one) for one in waits.lanes),
    ]


def dead_letters(found: Iterable[Delivery], reader: Principal) -> list[DeadLine]:
    """Return a line for each delivery that was given up."""
    return [_dead(one, reader) for one in found]


def jobs(found: Iterable[Listed], now: datetime) -> list[JobLine]:
    """Return a line for each job."""
    return [_job(one, now) for one in found]


def _events(found: OpenEvents, now: datetime) -> Queue:
    status = InboxStatus(found.status)
    stands, tone = _EVENTS.get(status, (status.value, ""))
    known = REGISTRY.get(found.provider)
    return Queue(
        f"Events of {known.traits.title if known else shortened(found.provider, LONGEST_ID)}",
        stands,
        tone,
        found.count,
        age(now - found.since),
        shortened(found.oldest, LONGEST_ID),
    )


def _depth(name: str, stands: str, found: Depth) -> Queue:
    return Queue(
        shortened(name, LONGEST_ID),
        stands,
        "info",
        found.count,
        age(timedelta(seconds=found.oldest_s)),
        shortened(found.oldest, LONGEST_ID),
    )


def _dead(found: Delivery, reader: Principal) -> DeadLine:
    own = found.merchant_id == reader.merchant_id and SESSION_ID.fullmatch(found.session_id)
    return DeadLine(
        id=found.id,
        shown=shortened(found.id, LONGEST_ID),
        about=shortened(found.topic, LONGEST_ID),
        to=shortened(found.lane.removesuffix(":"), LONGEST_ID),
        merchant=shortened(found.merchant_id, LONGEST_ID),
        session_id=shortened(found.session_id, LONGEST_ID),
        session=f"/dashboard/sessions/{found.session_id}" if own else None,
        tried=counted(found.attempts, "time"),
        written=moment(found.created_at),
        given_up=moment(found.give_up_at),
        error=shortened(found.error or "", LONGEST_ERROR),
    )


def _job(listed: Listed, now: datetime) -> JobLine:
    lines = [_run(run, now) for run in listed.runs]
    paused = listed.paused_at is not None
    last = lines[0] if lines else None
    live = last is not None and last.live
    stands = status_of(listed, now)
    return JobLine(
        name=listed.about.name,
        does=listed.about.does[:1].upper() + listed.about.does[1:],
        called=called(listed.about),
        stands=stands,
        tone=_TONES.get(stands, ""),
        live=live,
        paused=paused,
        trouble=trouble(listed, now, names_error=False),
        last=last,
        earlier=lines[1:],
    )


def _run(run: JobRun, now: datetime) -> RunLine:
    live = run.state == "running"
    ended_at = run.ended_at or (now if live else run.started_at)
    return RunLine(
        state=run.state,
        tone=_TONES[run.state],
        live=live,
        began=moment(run.started_at),
        took=age(ended_at - run.started_at),
        by=shortened(actor(run.by), LONGEST_ID),
        did=done_in(run),
        error=shortened(run.error or "", LONGEST_ERROR),
    )
