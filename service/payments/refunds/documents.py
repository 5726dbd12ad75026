"""One refund."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field, InstanceOf
from pymongo import ASCENDING, DESCENDING, IndexModel

from service.core.strict_json import JsonObject
from service.payments.entries.documents import unposted_index
from service.payments.refunds.states import RESERVED, RefundStatus, Source
from service.storage.database import EMPTY_TIME, DatabaseTime
from service.storage.documents import StoredDocument, StoredPart


class RefundMove(StoredPart):
    """One move of a refund; `event_id` is that of the provider's event that caused it."""

    at: datetime
    from_: RefundStatus | None = Field(default=None, alias="from")
    to: RefundStatus
    by: str
    event_id: str | None = None
    reason: str | None = None


class Refund(StoredDocument):
    """Money that goes back to a customer, or is asked to. Amounts in minor units.

    `refund_id` is ours and goes out to the provider; one that was made there has an id derived from
    `provider_refund_id`. `payment_id` is the `_id` of its payment in hex. `reason` is why it was
    asked for; `status` and what else providers report stands as the greatest fact has it, and
    `places` says of each where in the order of all facts that one stands. `void`: the payment was
    never captured, so it counts in no sum; nor does one with `by_dispute`, the provider's id of a
    dispute: what was lost there was paid back so, and it is the same money. `event_id` is the event
    that `status` comes from. `unposted`: its entries may lack what was changed last.
    `written_at` is the database's time of the last change.

    `sent` is what the provider was asked for at `called_at`, the first time: each repetition says
    the same. `needs_person`: nobody can tell whether it was made, for the reason in these words.
    """

    merchant_id: str
    provider: str
    account: str
    live: bool | None = None
    refund_id: str
    provider_refund_id: str | None = None
    payment_id: str
    provider_payment_id: str
    session_id: str | None = None
    user_id: str | None = None
    amount: int
    currency: str
    status: RefundStatus
    reason: str | None = None
    source: Source
    requested_by: str | None = None
    admin_user_id: str | None = None
    admin_reason: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    pending_reason: str | None = None
    void: bool = False
    by_dispute: str | None = None
    charge_id: str | None = None
    bank_reference: str | None = None
    attempts: int = 0
    next_attempt_at: datetime | None = None
    called_at: datetime | None = None
    sent: JsonObject | None = None
    needs_person: str | None = None
    requested_at: datetime | None = None
    decided_at: datetime | None = None
    made_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    written_at: InstanceOf[DatabaseTime] = EMPTY_TIME
    places: dict[str, int] = Field(default_factory=dict)
    event_id: str | None = None
    unposted: bool = False
    history: list[RefundMove] = Field(default_factory=list)

    @property
    def awaits_person(self) -> str | None:
        """Return why a person must look at it; None where nobody must, or not any more."""
        return self.needs_person if self.status is RefundStatus.PROCESSING else None

    @property
    def is_unanswered(self) -> bool:
        """Return whether its provider was asked for it, and nobody knows what came of that."""
        return self.status is RefundStatus.PROCESSING and self.provider_refund_id is None

    money_fields: ClassVar[tuple[str, ...]] = ("amount",)

    def counts_in(self, currency: str) -> bool:
        """Return whether it took anything of a payment in a currency."""
        return not self.void and self.by_dispute is None and self.currency == currency

    class Settings:
        """Collection and indexes."""

        name = "refunds"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("refundId", ASCENDING)], name="refundId", unique=True),
            IndexModel(
                [
                    ("provider", ASCENDING),
                    ("account", ASCENDING),
                    ("providerRefundId", ASCENDING),
                ],
                name="provider_account_providerRefundId",
                unique=True,
                partialFilterExpression={"providerRefundId": {"$type": "string"}},
            ),
            IndexModel([("paymentId", ASCENDING)], name="paymentId"),
            IndexModel(
                [("merchantId", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)],
                name="merchant_createdAt",
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
            IndexModel(
                [
                    ("merchantId", ASCENDING),
                    ("status", ASCENDING),
                    ("createdAt", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="merchant_status_createdAt",
            ),
            # For a backend that asks what has changed.
            IndexModel(
                [("merchantId", ASCENDING), ("writtenAt", ASCENDING), ("_id", ASCENDING)],
                name="merchant_writtenAt",
            ),
            # Those on their way: it finds what nobody has reported for long.
            IndexModel(
                [("updatedAt", ASCENDING)],
                name="reserved_updatedAt",
                partialFilterExpression={"status": {"$in": sorted(RESERVED)}},
            ),
            unposted_index(),
        ]
