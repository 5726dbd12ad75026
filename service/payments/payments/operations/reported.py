"""What one event reports of a payment."""

from datetime import datetime

from msgspec import Struct

from service.core.strict_json import JsonObject
from service.payments.payments.documents import Claim
from service.payments.payments.states import PaymentStatus
from service.providers.facts import Details


class ReportedPayment(Struct, frozen=True):
    """What one event reports of one payment, and of the session that it belongs to, if known.

    `aliases` are ids that it has whatever becomes of it; those of an attempt stand in `details`.
    `event_id` is the inbox id of the event, None where a person states it.
    """

    merchant_id: str
    provider: str
    account: str
    live: bool | None
    provider_payment_id: str
    amount: int
    currency: str
    status: PaymentStatus
    occurred_at: datetime
    final: bool = False
    payment_method: str | None = None
    provider_session_id: str | None = None
    provider_customer_id: str | None = None
    provider_subscription_id: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    decline_code: str | None = None
    failure_details: JsonObject | None = None
    session_id: str | None = None
    session_opened_at: datetime | None = None
    owner: str | None = None
    user_id: str | None = None
    plan_id: str | None = None
    plan_name: str | None = None
    metadata: JsonObject | None = None
    aliases: tuple[str, ...] = ()
    details: Details | None = None
    event_id: str | None = None

    @property
    def claim(self) -> Claim | None:
        """Return whose it is, None where no session is meant."""
        if self.session_id is None:
            return None
        return Claim(self.merchant_id, self.session_id, self.session_opened_at)


class Origin(Struct, frozen=True):
    """Of which event something is that was reported; `inbox_id` is the key of its row."""

    provider: str
    account: str
    live: bool | None
    inbox_id: str
    occurred_at: datetime
