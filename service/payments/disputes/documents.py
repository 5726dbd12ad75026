"""One dispute."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field, InstanceOf
from pymongo import ASCENDING, DESCENDING, IndexModel

from service.payments.disputes.states import UNANSWERED, DisputeStatus
from service.payments.entries.documents import unposted_index
from service.payments.payments.documents import Payment
from service.storage.database import EMPTY_TIME, DatabaseTime
from service.storage.documents import StoredDocument, StoredPart


class DisputeMove(StoredPart):
    """One move of a dispute; `event_id` is that of the provider's event that caused it."""

    at: datetime
    from_: DisputeStatus | None = Field(default=None, alias="from")
    to: DisputeStatus
    by: str
    event_id: str | None = None
    reason: str | None = None


class MovementPart(StoredPart):
    """Money that a dispute moved: negative out of our balance. Minor units of `currency`."""

    id: str = Field(alias="id")
    amount: int
    currency: str
    fee: int = 0
    at: datetime | None = None


class Dispute(StoredDocument):
    """A payment that a customer disputes with the bank. Amounts in minor units.

    `payment_id` is the `_id` of its payment in hex. `status` and what else its provider reports
    stands as the greatest fact has it, and `places` says of each where in the order of all facts
    that one stands; `movements` are all that any fact named, by their ids. `deducted` is what was
    taken in all where the provider names no movements. `withdrawn` is what is gone by now, None
    where nobody said, and `held` how much of the payment that leaves to nobody. `event_id` is the
    event that `status` comes from. `unposted`: its entries may lack what was changed last.
    `written_at` is the database's time of the last change.
    """

    merchant_id: str
    provider: str
    account: str
    live: bool | None = None
    provider_dispute_id: str
    payment_id: str
    provider_payment_id: str
    charge_id: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    amount: int
    currency: str
    status: DisputeStatus
    provider_status: str | None = None
    phase: str | None = None
    reason: str | None = None
    respond_by: datetime | None = None
    refundable: bool | None = None
    evidence_submitted: bool = False
    movements: list[MovementPart] = Field(default_factory=list)
    deducted: int | None = None
    withdrawn: int | None = None
    held: int = 0
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    written_at: InstanceOf[DatabaseTime] = EMPTY_TIME
    places: dict[str, int] = Field(default_factory=dict)
    event_id: str | None = None
    unposted: bool = False
    reminded: str | None = None
    history: list[DisputeMove] = Field(default_factory=list)

    money_fields: ClassVar[tuple[str, ...]] = ("amount", "held")
    optional_money_fields: ClassVar[tuple[str, ...]] = ("deducted", "withdrawn")

    def takes_of(self, payment: Payment) -> int:
        """Return how much of its payment it holds or has taken, in minor units of that.

        Of one in another currency it is all: nobody knows the rate that will be asked for.
        """
        if self.currency == payment.currency:
            return self.held
        return payment.amount if self.held else 0

    class Settings:
        """Collection and indexes."""

        name = "disputes"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [
                    ("provider", ASCENDING),
                    ("account", ASCENDING),
                    ("providerDisputeId", ASCENDING),
                ],
                name="provider_account_providerDisputeId",
                unique=True,
            ),
            IndexModel([("paymentId", ASCENDING)], name="paymentId"),
            IndexModel(
                [("merchantId", ASCENDING), ("userId", ASCENDING), ("createdAt", DESCENDING)],
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
            IndexModel(
                [("respondBy", ASCENDING)],
                name="unanswered_respondBy",
                partialFilterExpression={"status": {"$in": sorted(UNANSWERED)}},
            ),
            # For the figures, which read what has changed.
            IndexModel(
                [("merchantId", ASCENDING), ("writtenAt", ASCENDING), ("_id", ASCENDING)],
                name="merchant_writtenAt",
            ),
            unposted_index(),
        ]
