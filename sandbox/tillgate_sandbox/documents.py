"""What the played providers store: checkouts, deliveries, idempotency keys, standing faults."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from service.core.strict_json import JsonObject
from service.providers.registry import ProviderName
from service.storage.documents import StoredDocument, StoredPart
from tillgate_sandbox.chaos import Fault
from tillgate_sandbox.states import CheckoutStatus, DisputeStatus, Happening, PaymentStatus

CheckoutKind = Literal["session", "order", "link", "subscription"]


class SandboxRefund(StoredPart):
    """A refund of a payment. `id` is the provider's refund id (PhonePe: ours).

    `status` is `pending`, `succeeded` or `failed`. It becomes another at `due_at`: `becomes`.
    `waits` and `failure` say why, in the provider's words. `metadata` and `receipt` are what it was
    asked for with. `by_dispute`: the provider gave back what a dispute took (Razorpay).
    """

    id: str = Field(alias="id")
    amount: int
    status: str = "succeeded"
    reason: str | None = None
    metadata: JsonObject = Field(default_factory=dict)
    receipt: str | None = None
    waits: str | None = None
    failure: str | None = None
    becomes: Happening | None = None
    by_dispute: bool = False
    at: datetime
    due_at: datetime | None = None


class SandboxMovement(StoredPart):
    """Money that a dispute moved, negative where it left the merchant."""

    id: str = Field(alias="id")
    amount: int
    fee: int = 0
    at: datetime


class SandboxDispute(StoredPart):
    """A dispute of a payment: what it is about, until when an answer counts, what it moved."""

    id: str = Field(alias="id")
    amount: int
    status: DisputeStatus
    inquiry: bool = False
    answered: bool = False
    movements: list[SandboxMovement] = Field(default_factory=list)
    at: datetime
    due_at: datetime


class SandboxPayment(StoredPart):
    """One attempt to pay a checkout. `id` is the provider's payment id; amounts in minor units.

    `refunded` is the sum of `refunds` that did not fail, those under way included.
    """

    id: str = Field(alias="id")
    status: PaymentStatus
    method: str = "card"
    amount: int
    currency: str
    decline_code: str | None = None
    refunded: int = 0
    refunds: list[SandboxRefund] = Field(default_factory=list)
    dispute: SandboxDispute | None = None
    at: datetime

    @property
    def dispute_id(self) -> str | None:
        """Return the provider's id of its dispute."""
        return self.dispute.id if self.dispute else None


class Happened(StoredPart):
    """One thing that happened to a checkout, only for its timeline."""

    at: datetime
    what: Happening
    method: str | None = None
    decline_code: str | None = None


class SandboxCheckout(StoredDocument):
    """A checkout at a played provider; the provider's JSON is rendered from it.

    `id` is the provider's own (`cs_test_…`, `order_…`, `plink_…`, a merchantOrderId), `page_id` the
    address of its pay page. `request` has the parameters that it was opened with, unchanged.
    `chaos` has the faults for its deliveries, None: the standing ones. `object_ids` are the ids of
    other objects that belong to it (refunds, disputes, a subscription), by which it is found, too;
    their data is in `more`. `version` counts the changes.
    """

    id: str  # type: ignore[assignment]
    provider: ProviderName
    kind: CheckoutKind
    page_id: str
    session_id: str
    amount: int
    currency: str
    status: CheckoutStatus = CheckoutStatus.OPEN
    payments: list[SandboxPayment] = Field(default_factory=list)
    happened: list[Happened] = Field(default_factory=list)
    request: JsonObject = Field(default_factory=dict)
    success_url: str | None = None
    cancel_url: str | None = None
    chaos: JsonObject | None = None
    object_ids: list[str] = Field(default_factory=list)
    more: JsonObject = Field(default_factory=dict)
    version: int = 0
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
    purge_at: datetime

    money_fields: ClassVar[tuple[str, ...]] = ("amount",)

    class Settings:
        """Collection and indexes."""

        name = "sandbox_checkouts"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("pageId", ASCENDING)], name="pageId", unique=True),
            IndexModel([("createdAt", DESCENDING)], name="createdAt"),
            IndexModel([("payments.id", ASCENDING)], name="payments_id"),
            IndexModel([("payments.refunds.dueAt", ASCENDING)], name="refunds_dueAt", sparse=True),
            IndexModel([("objectIds", ASCENDING)], name="objectIds"),
            IndexModel([("status", ASCENDING), ("expiresAt", ASCENDING)], name="status_expiresAt"),
            IndexModel(
                [("provider", ASCENDING), ("kind", ASCENDING), ("createdAt", DESCENDING)],
                name="provider_kind_createdAt",
            ),
            IndexModel([("sessionId", ASCENDING), ("createdAt", DESCENDING)], name="sessionId"),
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt_ttl", expireAfterSeconds=0),
        ]


class Attempt(StoredPart):
    """One try to deliver. `status` is the answer's; None: there was no answer."""

    at: datetime
    status: int | None = None
    latency_ms: float | None = None
    outcome: str | None = None
    error: str | None = None


class SandboxDelivery(StoredDocument):
    """One webhook to deliver: what is posted, when it is due, and the results of its tries.

    `note` says in words what chaos did to it. A provider retries until the answer is a 2xx.
    `claim` is the token of whoever is posting it. `drops` tries get no answer first.
    """

    id: str  # type: ignore[assignment]
    provider: ProviderName
    checkout_id: str
    session_id: str
    event_id: str
    type: str
    path: str
    body: bytes
    tamper: list[Fault] = Field(default_factory=list)
    note: str | None = None
    status: Literal["pending", "delivered", "given_up"] = "pending"
    attempts: list[Attempt] = Field(default_factory=list)
    drops: int = 0
    claim: str | None = None
    created_at: datetime
    due_at: datetime
    purge_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "sandbox_deliveries"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("status", ASCENDING), ("dueAt", ASCENDING)], name="status_dueAt"),
            IndexModel([("sessionId", ASCENDING), ("createdAt", ASCENDING)], name="sessionId"),
            IndexModel([("checkoutId", ASCENDING)], name="checkoutId"),
            IndexModel([("eventId", ASCENDING)], name="eventId"),
            IndexModel([("claim", ASCENDING)], name="claim"),
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt_ttl", expireAfterSeconds=0),
        ]


class SandboxKey(StoredDocument):
    """An Idempotency-Key that the played Stripe has seen, with its parameters and its answer."""

    id: str  # type: ignore[assignment]
    parameters: str
    status: int | None = None
    answer: bytes | None = None
    purge_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "sandbox_keys"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt_ttl", expireAfterSeconds=0)
        ]


class SandboxEvent(StoredDocument):
    """An event that a played provider made, for its list of events."""

    id: str  # type: ignore[assignment]
    provider: ProviderName
    type: str
    checkout_id: str
    body: bytes
    created_at: datetime
    purge_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "sandbox_events"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("provider", ASCENDING), ("createdAt", DESCENDING)], name="provider"),
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt_ttl", expireAfterSeconds=0),
        ]


class SandboxClock(StoredDocument):
    """A clock that moves subscriptions (test clocks of Stripe); `frozen_time` in Unix seconds."""

    id: str  # type: ignore[assignment]
    name: str | None = None
    frozen_time: int
    created_at: datetime
    purge_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "sandbox_clocks"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt_ttl", expireAfterSeconds=0)
        ]


class StandingChaos(StoredDocument):
    """The faults for every checkout that has none of its own; one row, `_id` is `standing`."""

    id: str  # type: ignore[assignment]
    chaos: JsonObject

    class Settings:
        """Collection."""

        name = "sandbox_chaos"
        indexes: ClassVar[list[IndexModel]] = []
