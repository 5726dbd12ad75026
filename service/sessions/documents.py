"""The session as it is stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from service.core.strict_json import JsonObject
from service.providers.base import CheckoutMode, ProviderName
from service.sessions.states import ENDED, OPEN, Status
from service.storage.database import Row
from service.storage.documents import StoredDocument, wire_name
from service.storage.keys import Key

Kind = Literal["payment", "checkout"]
CheckoutEnd = Literal["expired", "failed"]
PricedBy = Literal["catalog", "caller"]
Verdict = Literal["accepted", "rejected", "same_money"]

TRUSTED = "trusted"
"""The owner of what a secret key or a user's token has opened."""


class _Part(BaseModel):
    model_config = ConfigDict(
        alias_generator=wire_name, validate_by_name=True, validate_by_alias=True, extra="ignore"
    )


class HistoryEntry(_Part):
    """One move: pushed in the same update as the move itself, so the trail can't be lost."""

    at: datetime
    from_status: Status | None = Field(alias="from")
    to: Status
    by: str
    event_id: str | None = None
    reason: str | None = None


class Checkout(_Part):
    """One checkout that was opened at the provider. `n` counts the attempts, from 1.

    `attempt_id` is what went out as our reference, `closed_at` when we gave it up (it is never
    handed out again, and its own end says nothing), `ended` the provider's most final word on it.
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


class Opening(_Part):
    """A checkout that is being opened, or whose opening timed out: the same `n` is tried again."""

    n: int
    attempt_id: str | None = None
    provider_expires_at: datetime
    locked_until: datetime
    repeated: bool = False


class Review(_Part):
    """Why a person must look: `eventId` names the event that does not fit."""

    reason: str
    event_id: str
    at: datetime


class Decided(_Part):
    """What a person decided about a payment of this session; final for it.

    `payment_id` is the provider's, or a checkout's id where nothing was paid. `paid` tells whether
    its money had come by then: what comes later was not known to who decided.
    """

    payment_id: str
    verdict: Verdict
    at: datetime
    paid: bool = False


class Capturing(_Part):
    """The one held payment that we capture; nobody else's turn comes until it is refused."""

    payment_id: str
    at: datetime


class Session(StoredDocument):
    """What somebody means to pay. `amount` is the total in minor units of `currency`.

    `client_secret_hash`, `create_hash`, `account` and `live` are what later calls and events are
    held against. `guarded_metadata` are the keys that a secret key wrote. `live_attempts` are the
    provider's payments that are under way, `checkout_ended` is the provider's most final word on
    a checkout that the caller opened itself (those of ours keep their own), `refused_captures` are
    held payments that the provider would not let us capture,
    `asked_at` is when the cleanup last asked about it. `free_allowed`: nothing may be due.
    `priced_by` tells who decided the amount, None in sessions of before that was kept.
    `owner` tells who opened it: `trusted` (a secret key, a token), unique for each publishable
    opening. `checkout_ids` are all ids by which a provider names one of its checkouts: refs,
    aliases and attempt ids. `deletable_at` is set by the retention job alone.
    """

    merchant_id: str
    session_id: str
    kind: Kind
    user_id: str
    email: str | None = None
    event_id: str | None = None
    quantity: int = 1
    pass_id: str | None = None
    selected_date: str | None = None
    coupon_code: str | None = None
    waiting_list_id: str | None = None
    plan: str | None = None
    amount: int
    currency: str
    provider: ProviderName
    mode: CheckoutMode = "payment"
    account: str
    owner: str = TRUSTED
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

    money_fields: ClassVar[tuple[str, ...]] = ("amount",)

    @property
    def payment_method(self) -> ProviderName:
        """Give the provider by its older name, under which it is shown too."""
        return self.provider

    class Settings:
        """Collection and indexes. There is never a TTL on `expiresAt`: a late payment may come.

        As few as may be: the database goes through all of them at each move of a session.
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
            # One checkout, one session: two servers can't name the same one either.
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
            IndexModel([("eventId", ASCENDING)], name="eventId"),
            IndexModel([("status", ASCENDING), ("expiresAt", ASCENDING)], name="status_expiresAt"),
            IndexModel(
                [("purgeAt", ASCENDING)],
                name="purgeAt",
                partialFilterExpression={"status": {"$in": sorted(ENDED)}},
            ),
            # Only the backstop, three days after the job that marks has not deleted what it marked.
            IndexModel(
                [("deletableAt", ASCENDING)],
                name="deletableAt_ttl",
                expireAfterSeconds=3 * 24 * 3600,
                partialFilterExpression={"deletableAt": {"$type": "date"}},
            ),
        ]


class DueSession(_Part):
    """What the cleanup reads of a session that it expires: enough to tell of it.

    The rest, its history and metadata above all, is not read.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    id: Key
    merchant_id: str
    session_id: str
    kind: Kind
    amount: int
    currency: str
    provider: ProviderName
    status: Status
    late: bool = False
    version: int = 1
    checkouts: list[Checkout] = Field(default_factory=list)
    opening: Opening | None = None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session just as it is stored, to be shown: a document takes several times as long to make.

    `fields` have their stored names. Others may hold the same row: it is not to be changed.
    """

    fields: Row

    @property
    def session_id(self) -> str:
        """Give the session's id."""
        return str(self.fields["sessionId"])

    @property
    def price(self) -> tuple[int, str]:
        """Give the amount in minor units and its currency."""
        return self.fields["amount"], self.fields["currency"]

    @property
    def user_id(self) -> str:
        """Give the user that the session was opened for."""
        return str(self.fields["userId"])

    @property
    def owner(self) -> str:
        """Return who opened it; nobody that is known where the row does not tell."""
        return str(self.fields.get("owner"))

    @property
    def client_secret_hash(self) -> str:
        """Give what a client secret is held against."""
        return str(self.fields["clientSecretHash"])

    def document(self) -> Session:
        """Make the document of it."""
        found: Session = Session.model_validate(self.fields)
        return found
