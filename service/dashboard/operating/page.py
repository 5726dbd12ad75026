"""The page of operations."""

from collections.abc import Sequence

from msgspec import Struct

from service.dashboard.acting import Answer, Sheet, filled
from service.dashboard.operating.lines import DeadLine, JobLine, Queue
from service.outbox.operations.dead_letters import WHY_GIVEN_UP


class DeadLetters(Struct, frozen=True):
    """A page of what was given up, and `why` that is; `older` begins the next one."""

    lines: Sequence[DeadLine]
    older: str | None
    may_redeliver: bool
    why: str = WHY_GIVEN_UP


class Shown(Struct, frozen=True):
    """What a reader may see; None: not for this reader.

    `alerts` are the names of the latest open ones. `uncounted`: the queues could not be counted in
    time.
    """

    alerts: Sequence[str] | None = None
    jobs: Sequence[JobLine] | None = None
    dead: DeadLetters | None = None
    queues: Sequence[Queue] | None = None
    uncounted: bool = False


def operations_page(shown: Shown, sheet: Sheet) -> Answer:
    """Show the page."""
    return filled(
        sheet,
        "operations.html",
        alerts=shown.alerts,
        queues=shown.queues,
        uncounted=shown.uncounted,
        jobs=shown.jobs,
        dead=shown.dead,
    )
