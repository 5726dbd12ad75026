"""The session as it is stored."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field, InstanceOf
from pymongo import ASCENDING, DESCENDING, IndexModel

from service.core.strict_json import JsonObject
from service.providers.base import CheckoutMode
from service.providers.registry import ProviderName
from service.sessions.documents.parts import (
    Capturing,
    Checkout,
    CheckoutEnd,
    Decided,
    HistoryEntry,
    Opening,
    Review,
)
from service.sessions.states import ENDED, MOVED, OPEN, Status
from service.storage.database import EMPTY_TIME, DatabaseTime
from service.storage.documents import StoredDocument

Kind = Literal["payment", "checkout"]
PricedBy = Literal["catalog", "caller"]

TRUSTED = "trusted"
"""The owner of what a secret key or a user's token has opened."""


class Session(StoredDocument):
    """What somebody wants to pay for. `amount` is the total in minor units of `currency`.

    Later calls and events are checked against `client_secret_hash`, `create_hash`, `account` and
    `live`. `guarded_metadata` lists the keys that a secret key wrote. `live_attempts` are the
    provider's payments that are under way, `checkout_ended` is the most final end reported for a
    checkout that the caller opened itself (those that we opened keep their own),
    `refused_captures` are held payments that the provider refused to capture, `asked_at` is when
    the cleanup last asked about it. `free_allowed`: there may be nothing to pay.
    `priced_by` says who decided the amount, None in sessions older than the field; `title` is what
    the catalog called the item then.
    `owner` says who opened it: `trusted` (a secret key, a token), or a value unique to each
    publishable opening, and `opened_from` is the keyed hash of the customer's address, None where a
    server opened it. `email_vouched`: a server named the address, or a token as a verified one;
    else it may be anybody's, as in sessions older than the field. `checkout_ids` are all ids by
    which a provider names its checkouts: refs, aliases and attempt ids. `intent_id` is the lead
    that it follows, as its opener says. Only the retention job sets `deletable_at`.
    `written_at` is the database's time of the last change, `updated_at` that of the process which
    made it.
    """

    merchant_id: str
    session_id: str
    kind: Kind
    user_id: str
    email: str | None = None
    email_vouched: bool = False
    event_id: str | None = None
    quantity: int = 1
    pass_id: str | None = None
    selected_date: str | None = None
    coupon_code: str | None = None
    waiting_list_id: str | None = None
    intent_id: str | None = None
    plan: str | None = None
    title: str | None = None
    amount: int
    currency: str
    provider: ProviderName
    mode: CheckoutMode = "payment"
    account: str
    owner: str = TRUSTED
    opened_from: str | None = None
    live: bool | None = None
    free_allowed: bool = False
    priced_by: PricedBy | None = None
    trial_days: int | None = None
    provider_session_id: str | None = None
    provider_payment_id: str | None = None
    provider_customer_id: str | None = None
    checkout_url: str | None = None
    success_url: str | None = None
    cancel_url: str | None = None
    status: Status = Status.PENDING
    late: bool = False
    review: Review | None = None
    decisions: list[Decided] = Field(default_factory=list)
    attempts: int = 0
    version: int = 1
    metadata: JsonObject = Field(default_factory=dict)
    guarded_metadata: list[str] = Field(default_factory=list)
    checkouts: list[Checkout] = Field(default_factory=list)
    checkout_ids: list[str] = Field(default_factory=list)
    opening: Opening | None = None
    capturing: Capturing | None = None
    refused_captures: list[str] = Field(default_factory=list)
    live_attempts: list[str] = Field(default_factory=list)
    checkout_ended: CheckoutEnd | None = None
    asked_at: datetime | None = None
    history: list[HistoryEntry] = Field(default_factory=list)
    client_secret_hash: str
    secret_salt: str
    create_hash: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    completed_at: datetime | None = None
    purge_at: datetime | None = None
    deletable_at: datetime | None = None
    written_at: InstanceOf[DatabaseTime] = EMPTY_TIME

    money_fields: ClassVar[tuple[str, ...]] = ("amount",)

    @property
    def payment_method(self) -> ProviderName:
        """Return the provider; the older name of the field, which is still shown."""
        return self.provider

    class Settings:
        """Collection and indexes. There is never a TTL on `expiresAt`: a payment may come late.

        As few as possible: each move of a session updates all of them.
        """

        name = "sessions"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("merchantId", ASCENDING), ("sessionId", ASCENDING)],
                name="merchant_sessionId",
                unique=True,
            ),
            IndexModel(
                [
                    ("merchantId", ASCENDING),
                    ("userId", ASCENDING),
                    ("plan", ASCENDING),
                    ("provider", ASCENDING),
                    ("owner", ASCENDING),
                ],
                name="one_open_checkout",
                unique=True,
                partialFilterExpression={
                    "kind": "checkout",
                    "status": {"$in": sorted(OPEN)},
                },
            ),
            # One checkout, one session: even two servers can't name the same one.
            IndexModel(
                [("checkoutIds", ASCENDING), ("provider", ASCENDING)],
                name="checkout_ids",
                unique=True,
                partialFilterExpression={"checkoutIds": {"$type": "string"}},
            ),
            IndexModel(
                [
                    ("merchantId", ASCENDING),
                    ("userId", ASCENDING),
                    ("createdAt", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="merchant_user_createdAt",
            ),
            # For a backend that asks what has changed; each move of a session changes it.
            IndexModel(
                [("merchantId", ASCENDING), ("writtenAt", ASCENDING), ("_id", ASCENDING)],
                name="merchant_writtenAt",
            ),
            # Whether anything but an opening has changed is asked with each question for figures.
            IndexModel(
                [
                    ("merchantId", ASCENDING),
                    ("writtenAt", ASCENDING),
                    ("_id", ASCENDING),
                    ("status", ASCENDING),
                ],
                name="merchant_writtenAt_moved",
                partialFilterExpression={"status": {"$in": sorted(MOVED)}},
            ),
            IndexModel(
                [
                    ("merchantId", ASCENDING),
                    ("email", ASCENDING),
                    ("createdAt", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="merchant_email_createdAt",
                partialFilterExpression={"email": {"$type": "string"}},
            ),
            # The last two so that a merchant's open sessions are counted without being read.
            IndexModel(
                [
                    ("status", ASCENDING),
                    ("expiresAt", ASCENDING),
                    ("merchantId", ASCENDING),
                    ("currency", ASCENDING),
                ],
                name="status_expiresAt_merchant_currency",
            ),
            IndexModel(
                [("purgeAt", ASCENDING)],
                name="purgeAt",
                partialFilterExpression={"status": {"$in": sorted(ENDED)}},
            ),
            # Only a backstop, three days after the retention job failed to delete it.
            IndexModel(
                [("deletableAt", ASCENDING)],
                name="deletableAt_ttl",
                expireAfterSeconds=3 * 24 * 3600,
                partialFilterExpression={"deletableAt": {"$type": "date"}},
            ),
        ]
