"""The page of operations."""

from collections.abc import Sequence

from litestar import Response
from msgspec import Struct

from service.dashboard.frame import PAGES
from service.dashboard.operating.lines import DeadLine, JobLine, Queue
from service.dashboard.reading import Frame
from service.dashboard.said import Said
from service.outbox.operations.dead_letters import WHY_GIVEN_UP


class DeadLetters(Struct, frozen=True):
    """A page of what was given up, and `why` that is; `older` begins the next one."""

    lines: Sequence[DeadLine]
    older: str | None
    may_redeliver: bool
    why: str = WHY_GIVEN_UP


class Shown(Struct, frozen=True):
    """What a reader may see; None: not for this reader.

    `uncounted`: the queues could not be counted in time.
    """

    jobs: Sequence[JobLine] | None = None
    dead: DeadLetters | None = None
    queues: Sequence[Queue] | None = None
    uncounted: bool = False


def operations_page(
    shown: Shown, frame: Frame, said: Said | None, status: int = 200
) -> Response[str]:
    """Show the page; `said` is what the act before it came to."""
    return PAGES.show(
        "operations.html",
        status_code=status,
        token=frame.token,
        pages=frame.pages,
        queues=shown.queues,
        uncounted=shown.uncounted,
        jobs=shown.jobs,
        dead=shown.dead,
        said=said,
    )
