"""Since when a serving process searches for what is due: a little before it was found last."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from service.core.lately import Lately
from service.notifications.endpoints.operations.backlog import Backlog
from service.notifications.endpoints.repository.deliveries import Claimed

LATE = timedelta(seconds=5)
"""What turns up so long after it was due waits for a look at all that is."""


class Front:
    """Where the deliveries stand that this process found last, by when they were due."""

    def __init__(self, backlog: Backlog) -> None:
        """Begin with a look at all; what was made here late is told by `backlog`."""
        self._backlog = backlog
        self._lately = Lately[datetime](lambda at: at - LATE)

    def after(self) -> datetime | None:
        """Return after which is searched; None: at all."""
        if (due_since := self._backlog.take()) is not None:
            self._lately.begin_at(due_since)
        return self._lately.after()

    def note(self, after: datetime | None, found: Sequence[Claimed], *, whole: bool) -> None:
        """Note what a search found. Where it is not the `whole`, some were passed by on the way."""
        if after is None:
            self._lately.looked_at_all()
        if found and whole:
            self._lately.found(found[-1].due_at)
        elif found:
            self._lately.begin_at(found[-1].due_at)
