"""The parts of a stored session."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from service.inbox.states import Verdict
from service.sessions.states import Status
from service.storage.documents import StoredPart

CheckoutEnd = Literal["expired", "failed"]


class HistoryEntry(StoredPart):
    """One move: pushed in the same update as the move itself, so the trail can't be lost."""

    at: datetime
    from_status: Status | None = Field(alias="from")
    to: Status
    by: str
    event_id: str | None = None
    reason: str | None = None


class Checkout(StoredPart):
    """One checkout that was opened at the provider. `n` counts the attempts, from 1.

    `attempt_id` is what went out as our reference, `closed_at` when we gave it up (it is never
    handed out again, and its end no longer matters), `ended` the most final end that was reported.
    """

    ref: str
    n: int
    opened_at: datetime
    expires_at: datetime | None = None
    url: str | None = None
    qr_code: str | None = None
    attempt_id: str | None = None
    closed_at: datetime | None = None
    ended: CheckoutEnd | None = None


class Opening(StoredPart):
    """A checkout that is being opened, or whose opening timed out: the same `n` is retried."""

    n: int
    attempt_id: str | None = None
    provider_expires_at: datetime
    locked_until: datetime
    repeated: bool = False


class Review(StoredPart):
    """Why a person must look: `eventId` names the event that does not fit."""

    reason: str
    event_id: str
    at: datetime


class Decided(StoredPart):
    """What a person decided about a payment of this session; final for it.

    `payment_id` is the provider's, or a checkout's id where nothing was paid. `paid` says whether
    its money had arrived by then: what arrives later was unknown to whoever decided.
    """

    payment_id: str
    verdict: Verdict
    at: datetime
    paid: bool = False


class Capturing(StoredPart):
    """The one held payment that we are capturing; no other is tried until it is refused."""

    payment_id: str
    at: datetime
