"""What the jobs of this room are given, and what each reports afterwards."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct, field

from service.core.peppers import Pepper
from service.inbox.operations.inbox import Inbox
from service.jobs.operations.job import Report
from service.outbox.operations.subscribers import Subscribers
from service.sessions.checkouts.services import CheckoutServices


class Jobs(Struct, frozen=True):
    """What jobs need. `stopping` is set when the process ends: nothing new is begun then."""

    services: CheckoutServices
    subscribers: Subscribers
    peppers: Sequence[Pepper] = ()
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def inbox(self) -> Inbox:
        """Return the inbox, whose waiting events are tried again."""
        return self.services.inbox


class DeliveryReport(Report):
    """How many messages were delivered."""

    changes = frozenset({"delivered"})

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.delivered = 0


class RetryReport(Report):
    """How many waiting events were tried again."""

    changes = frozenset({"events_retried"})

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.events_retried = 0


class PepperReport(Report):
    """How much was made under another entry of PII_PEPPER than the first.

    `uncounted`: open sessions that the next run will read, since the time of this one was over.
    """

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.on_older_peppers = 0
        self.uncounted = 0


class CleanupReport(DeliveryReport, RetryReport):
    """What a cleanup did.

    `asked`: overdue sessions and silent payments that the providers were asked about;
    `unresolved`: reviews that this opened; `abandoned`: payments that were given up. `blocked`:
    sessions that were kept long enough and that something still needs, `blocked_long` for over a
    week.
    """

    changes = (
        DeliveryReport.changes
        | RetryReport.changes
        | {"expired", "unresolved", "abandoned", "purged", "events_purged"}
    )

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.expired = 0
        self.asked = 0
        self.unresolved = 0
        self.abandoned = 0
        self.purged = 0
        self.blocked = 0
        self.blocked_long = 0
        self.events_purged = 0
