"""One try at paying that failed."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field, InstanceOf
from pymongo import ASCENDING, IndexModel

from service.core.strict_json import JsonObject
from service.payments.attempts.states import AttemptStatus
from service.storage.database import EMPTY_TIME, DatabaseTime
from service.storage.documents import StoredDocument


class Attempt(StoredDocument):
    """A try at paying that failed, as its provider reports it. `amount` in minor units.

    `attempt_id` is the provider's id of the try: a charge, a transaction, or the payment itself
    where each payment is one try. `provider_payment_id` is the key of the payment's row.
    `event_id` is the event that the failure comes from, `places` says of each field where in the
    order of all facts the one stands that it is of. `written_at` is the database's time of the last
    change.
    """

    merchant_id: str
    provider: str
    account: str
    live: bool | None = None
    attempt_id: str
    provider_payment_id: str
    session_id: str | None = None
    user_id: str | None = None
    amount: int
    currency: str
    status: AttemptStatus = AttemptStatus.FAILED
    failure_code: str | None = None
    decline_code: str | None = None
    failure_message: str | None = None
    failure_details: JsonObject | None = None
    method: str | None = None
    method_id: str | None = None
    method_details: JsonObject | None = None
    country: str | None = None
    made_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    written_at: InstanceOf[DatabaseTime] = EMPTY_TIME
    places: dict[str, int] = Field(default_factory=dict)
    event_id: str | None = None

    money_fields: ClassVar[tuple[str, ...]] = ("amount",)

    class Settings:
        """Collection and indexes."""

        name = "payment_attempts"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("provider", ASCENDING), ("account", ASCENDING), ("attemptId", ASCENDING)],
                name="provider_account_attemptId",
                unique=True,
            ),
            IndexModel([("providerPaymentId", ASCENDING)], name="providerPaymentId"),
            IndexModel([("sessionId", ASCENDING)], name="sessionId"),
            IndexModel(
                [("merchantId", ASCENDING), ("madeAt", ASCENDING)],
                name="merchant_madeAt",
            ),
            # For the figures, which read what has changed.
            IndexModel(
                [("merchantId", ASCENDING), ("writtenAt", ASCENDING), ("_id", ASCENDING)],
                name="merchant_writtenAt",
            ),
        ]
