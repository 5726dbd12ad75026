"""What a job is given, and what it tells afterwards."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from service.core.peppers import Pepper
from service.inbox.operations.inbox import Inbox
from service.outbox.operations import Handlers
from service.sessions.checkouts.services import CheckoutServices


@dataclass(frozen=True, slots=True)
class Jobs:
    """What jobs need. `stopping` is set when the process ends: nothing new is begun then."""

    services: CheckoutServices
    handlers: Handlers
    peppers: Sequence[Pepper] = ()
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def inbox(self) -> Inbox:
        """Return the inbox, whose waiting events are tried again."""
        return self.services.inbox


@dataclass(slots=True)
class Report:
    """What a job did. `skipped`: another run of it was under way, so this one did nothing.

    `asked`: overdue sessions and silent payments that the providers were asked about;
    `unresolved`: reviews that this opened; `abandoned`: payments that were given up. `blocked`:
    sessions that were kept long enough and that something still needs, `blocked_long` for over a
    week. `on_older_peppers`: what was made under another entry of PII_PEPPER than the first.
    """

    job: str
    expired: int = 0
    asked: int = 0
    unresolved: int = 0
    abandoned: int = 0
    purged: int = 0
    blocked: int = 0
    blocked_long: int = 0
    events_retried: int = 0
    events_purged: int = 0
    delivered: int = 0
    on_older_peppers: int = 0
    took_ms: int = 0
    dry_run: bool = False
    skipped: bool = False
