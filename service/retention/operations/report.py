"""What a job is given, and what it reports afterwards."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct, field

from service.core.peppers import Pepper
from service.inbox.operations.inbox import Inbox
from service.outbox.operations import Handlers
from service.sessions.checkouts.services import CheckoutServices


class Jobs(Struct, frozen=True):
    """What jobs need. `stopping` is set when the process ends: nothing new is begun then."""

    services: CheckoutServices
    handlers: Handlers
    peppers: Sequence[Pepper] = ()
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def inbox(self) -> Inbox:
        """Return the inbox, whose waiting events are tried again."""
        return self.services.inbox


class Report:
    """What a job did. `skipped`: another run of it was under way, so this one did nothing.

    `asked`: overdue sessions and silent payments that the providers were asked about;
    `unresolved`: reviews that this opened; `abandoned`: payments that were given up. `blocked`:
    sessions that were kept long enough and that something still needs, `blocked_long` for over a
    week. `on_older_peppers`: what was made under another entry of PII_PEPPER than the first.
    """

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        self.job = job
        self.expired = 0
        self.asked = 0
        self.unresolved = 0
        self.abandoned = 0
        self.purged = 0
        self.blocked = 0
        self.blocked_long = 0
        self.events_retried = 0
        self.events_purged = 0
        self.delivered = 0
        self.on_older_peppers = 0
        self.took_ms = 0
        self.dry_run = dry_run
        self.skipped = False
