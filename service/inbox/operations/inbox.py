"""What every operation on the inbox needs, what comes to it, and what becomes of that."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from functools import cached_property
from typing import TypeAlias

from msgspec import Struct, field

from service.core.clock import Clock
from service.core.ids import MERCHANT_ID
from service.core.principal import DEFAULT_MERCHANT
from service.inbox.documents import Source, WebhookEvent
from service.inbox.operations.rejections import Rejections
from service.inbox.states import InboxStatus, next_attempt_at
from service.providers.base import Provider, SendsWebhooks, VerifiedEvent
from service.storage.transaction import Question, Transaction


class Asking(Enum):
    """Whether the provider can be asked in which checkout an event's payment was made.

    FIRST: before anything is written. DONE: it was asked, or there is nothing to ask. SILENT: it
    did not answer, so the event has to wait.
    """

    FIRST = "first"
    DONE = "done"
    SILENT = "silent"


class CheckoutUnknown(Exception):
    """An event does not say in which checkout its payment was made: its provider must be asked.

    Nobody is answered with it. `matched`: it names a session, which has checkouts of its own.
    """

    def __init__(self, *, matched: bool) -> None:
        """Set what is known."""
        super().__init__("The event does not tell in which checkout its payment was made.")
        self.matched = matched


class Arrival(Struct, frozen=True):
    """A verified event on its way to its row, and what is known of it besides.

    `before` is the row of an earlier try. `asked_for` is the merchant for whose session the
    provider was asked; a webhook names its merchant itself.
    """

    event: VerifiedEvent
    source: Source = "webhook"
    before: WebhookEvent | None = None
    asked_for: str | None = None
    asking: Asking = Asking.DONE

    @property
    def named_merchant(self) -> str | None:
        """Return the merchant, where it is known; what no merchant can be called names none."""
        if self.asked_for is not None:
            return self.asked_for
        named = self.event.subject.merchant_id
        return named if named is not None and MERCHANT_ID.fullmatch(named) else None

    @property
    def merchant_id(self) -> str:
        """Return the merchant that the event is for: our own where none is named."""
        return self.named_merchant or DEFAULT_MERCHANT


class Receipt(Struct, frozen=True):
    """What became of a delivery. `duplicate`: the work was done before."""

    outcome: InboxStatus
    duplicate: bool = False
    session_id: str | None = None


class Outcome(Struct, frozen=True):
    """What applying an event came to; `doubts` are payments that do not fit, and why.

    It `waits_for` a payment of any of these ids, where there is none yet. `at` is the time of all
    that it changed: its row comes no later than what it led to. `afterwards` is what is left to do
    in the same transaction once the event's row is written.
    """

    status: InboxStatus
    session_id: str | None = None
    merchant_id: str = DEFAULT_MERCHANT
    user_id: str | None = None
    reason: str | None = None
    doubts: tuple[tuple[str, str], ...] = ()
    error: str | None = None
    next_attempt_at: datetime | None = None
    waits_for: tuple[str, ...] = ()
    at: datetime | None = None
    afterwards: Callable[[Transaction], Awaitable[None]] | None = None

    @property
    def waits(self) -> bool:
        """Return whether the event found nothing to be applied to yet."""
        return self.status in {InboxStatus.PARKED, InboxStatus.DEAD}


class Named(Struct, frozen=True):
    """The session that an event means, by its merchant's id and its own."""

    merchant_id: str
    session_id: str


Questions: TypeAlias = Callable[[Arrival], Sequence[Question]]
"""What applying an event reads: a group of events reads it for all of them by one query."""

Brings: TypeAlias = Callable[[VerifiedEvent], Collection[str]]
"""The ids of the payments that an event reports: other events may wait for one of them."""

Apply: TypeAlias = Callable[[Transaction, Arrival, "Inbox"], Awaitable[Outcome]]
"""Changes in a transaction what an event reports. Its row is written after that.

Raises `CheckoutUnknown`, with nothing written, where its provider may be asked and has to be."""

FindSession: TypeAlias = Callable[[Arrival], Awaitable[Named | None]]
"""Finds the session that an event means which can't be applied."""


class Inbox(Struct, frozen=True, dict=True):
    """The providers, the clock, how long things are kept, and what an event does.

    `questions`, `apply`, `find_session` and `brings` are handed in by the wiring: what an event
    changes is up to the rooms above this one.
    """

    providers: Mapping[str, Provider]
    clock: Clock
    keep_for: timedelta
    questions: Questions
    apply: Apply
    find_session: FindSession
    brings: Brings
    strip: tuple[str, ...] = ()
    rejections: Rejections = field(default_factory=Rejections)

    @cached_property
    def webhook_providers(self) -> Mapping[str, SendsWebhooks]:
        """Return the providers whose webhooks can be verified, found once for all of them."""
        return {
            name: provider
            for name, provider in self.providers.items()
            if isinstance(provider, SendsWebhooks) and provider.receives_webhooks
        }


def parked(reason: str, arrival: Arrival, inbox: Inbox) -> Outcome:
    """Make the outcome of an event that has to wait, or is dead after 30 days of waiting."""
    now, before = inbox.clock.now(), arrival.before
    received_at = before.received_at if before else now
    again_at = next_attempt_at(received_at, before.attempts if before else 1, now)
    status = InboxStatus.PARKED if again_at else InboxStatus.DEAD
    merchant_id = arrival.merchant_id
    return Outcome(status, None, merchant_id, reason=reason, next_attempt_at=again_at)
