"""One subscription."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from service.payments.payments.documents import TRUSTED_OWNERS
from service.payments.subscriptions.states import ENDED, RENEWED, SubscriptionStatus
from service.providers.subscribed import Interval
from service.storage.documents import StoredDocument, StoredPart


class SubscriptionMove(StoredPart):
    """One move of a subscription; `event_id` is that of the reading that said so.

    It is one of the state, or of what is subscribed to: a renewal, another plan, an end that was
    ordered or taken back. `plan`, `period_end` and `ending` are as they stood after it.
    """

    at: datetime
    from_: SubscriptionStatus | None = Field(default=None, alias="from")
    to: SubscriptionStatus
    plan: str | None = None
    period_end: datetime | None = None
    ending: bool = False
    event_id: str


class Changing(StoredPart):
    """A change that somebody is asking the provider for; from `until` on anybody may take over."""

    id: str = Field(alias="id")
    what: str
    until: datetime


class Subscription(StoredDocument):
    """A subscription, as its provider said that it stands. `amount` is that of one period.

    (`merchant_id`, `session_id`) is the session that began it, the one that was opened at
    `session_opened_at`; `owner` says who opened that. None while no event has named it.

    An event is a hint, and only a reading says how it stands. `asked` counts the readings that were
    begun, `answered` is the greatest of those that were answered, `seq` the one that `status` and
    what goes with it is of; `status` is None before the first. `unread`: something became of it
    that no reading before number `wanted` can know, since `unread_since`. `read_at` is when the
    last answer came.

    `cancellation_reason` is the provider's word for why it was canceled, or is to be.
    `inactive_since` follows the provider's state, never `renewal_attempts`, which is how often the
    latest invoice was tried; `next_attempt` is when it is tried again. `payment_ids` are the
    provider's ids of its payments.
    """

    merchant_id: str
    provider: str
    account: str
    live: bool | None = None
    provider_subscription_id: str
    provider_customer_id: str | None = None
    session_id: str | None = None
    session_opened_at: datetime | None = None
    owner: str | None = None
    user_id: str | None = None
    plan: str | None = None
    provider_plan_id: str | None = None
    status: SubscriptionStatus | None = None
    provider_status: str | None = None
    amount: int | None = None
    currency: str | None = None
    quantity: int = 1
    interval: Interval | None = None
    interval_count: int = 1
    current_period_start: datetime | None = None
    current_period_end: datetime | None = None
    cancel_at_period_end: bool = False
    trial_end: datetime | None = None
    started_at: datetime | None = None
    canceled_at: datetime | None = None
    ended_at: datetime | None = None
    cancellation_reason: str | None = None
    inactive_since: datetime | None = None
    renewal_attempts: int = 0
    next_attempt: datetime | None = None
    latest_invoice: str | None = None
    payment_ids: list[str] = Field(default_factory=list)
    asked: int = 0
    answered: int = 0
    seq: int = 0
    wanted: int = 0
    unread: bool = False
    unread_since: datetime | None = None
    read_at: datetime | None = None
    changing: Changing | None = None
    created_at: datetime
    updated_at: datetime
    history: list[SubscriptionMove] = Field(default_factory=list)

    optional_money_fields: ClassVar[tuple[str, ...]] = ("amount",)

    @property
    def has_ended(self) -> bool:
        """Return whether it has ended for good."""
        return self.status in ENDED

    @property
    def next_renewal(self) -> datetime | None:
        """Return when the next period begins; None where none will."""
        renews = self.status in RENEWED and not self.cancel_at_period_end
        return self.current_period_end if renews else None

    @property
    def next_try(self) -> datetime | None:
        """Return when a renewal that failed is tried again, where its provider says so."""
        return self.next_attempt if self.status is SubscriptionStatus.PAST_DUE else None

    def is_own(self, user_id: str) -> bool:
        """Return whether it is a user's own: a browser may have named any user as its own."""
        return self.user_id == user_id and self.owner in TRUSTED_OWNERS

    def was_begun_by(self, merchant_id: str, session_id: str, opened_at: datetime) -> bool:
        """Return whether a session began it, and not an earlier one of the same id."""
        began = (self.merchant_id, self.session_id, self.session_opened_at)
        return began == (merchant_id, session_id, opened_at)

    class Settings:
        """Collection and indexes."""

        name = "subscriptions"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [
                    ("provider", ASCENDING),
                    ("account", ASCENDING),
                    ("providerSubscriptionId", ASCENDING),
                ],
                name="provider_account_providerSubscriptionId",
                unique=True,
            ),
            IndexModel([("sessionId", ASCENDING)], name="sessionId"),
            IndexModel(
                [
                    ("merchantId", ASCENDING),
                    ("userId", ASCENDING),
                    ("createdAt", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="merchant_user_createdAt",
            ),
            IndexModel(
                [
                    ("merchantId", ASCENDING),
                    ("status", ASCENDING),
                    ("createdAt", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="merchant_status_createdAt",
            ),
            # Those of which something must have become, though nobody told.
            IndexModel(
                [
                    ("status", ASCENDING),
                    ("currentPeriodEnd", ASCENDING),
                    ("readAt", ASCENDING),
                ],
                name="status_currentPeriodEnd_readAt",
            ),
            # Those that are to be read: it finds what could not be for long.
            IndexModel(
                [("unreadSince", ASCENDING)],
                name="unread_unreadSince",
                partialFilterExpression={"unread": True},
            ),
        ]
