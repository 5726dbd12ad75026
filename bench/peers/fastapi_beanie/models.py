"""The documents of the FastAPI peer: Beanie models, as Beanie's tutorial writes them."""

from datetime import datetime
from typing import Any, Literal

from beanie import Document
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Provider = Literal["stripe", "razorpay", "phonepe", "upi"]


def stored(name: str) -> str:
    """Name a field as it is stored."""
    return {"id": "_id", "revision_id": "revision_id"}.get(name) or to_camel(name)


class Camel(BaseModel):
    """camelCase outside, snake_case inside."""

    model_config = ConfigDict(alias_generator=stored, populate_by_name=True)


class HistoryEntry(Camel):
    """One move of a session."""

    at: datetime
    from_: str | None = Field(None, alias="from")
    to: str
    by: str
    event_id: str | None = None


class PaymentSession(Document, Camel):
    """A payment session."""

    merchant_id: str
    session_id: str
    kind: Literal["payment", "checkout"] = "payment"
    user_id: str
    email: str | None = None
    event_id: str
    quantity: int = 1
    pass_id: str | None = None
    selected_date: str | None = None
    coupon_code: str | None = None
    waiting_list_id: str | None = None
    plan: str | None = None
    amount: int
    currency: str
    provider: Provider
    provider_session_id: str | None = None
    provider_payment_id: str | None = None
    status: str = "pending"
    late: bool = False
    attempts: int = 0
    version: int = 1
    metadata: dict[str, Any] = Field(default_factory=dict)
    history: list[HistoryEntry] = Field(default_factory=list)
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    completed_at: datetime | None = None
    purge_at: datetime | None = None

    class Settings:
        """Where it is stored."""

        name = "sessions"


class WebhookEvent(Document, Camel):
    """An event in the inbox."""

    id: str  # type: ignore[assignment]
    merchant_id: str
    provider: Provider
    account: str
    live: bool | None = None
    event_id: str
    type: str
    status: str
    session_id: str | None = None
    payload: bytes
    occurred_at: datetime
    received_at: datetime
    processed_at: datetime
    attempts: int = 1
    purge_at: datetime

    class Settings:
        """Where it is stored."""

        name = "webhook_events"


class Payment(Document, Camel):
    """A row of the ledger."""

    merchant_id: str
    provider: Provider
    account: str
    live: bool | None = None
    provider_payment_id: str
    provider_session_id: str | None = None
    session_id: str
    user_id: str
    amount: int
    currency: str
    status: str
    status_at: datetime
    metadata: dict[str, Any] = Field(default_factory=dict)
    created_at: datetime
    updated_at: datetime

    class Settings:
        """Where it is stored."""

        name = "payments"


class OutboxMessage(Document, Camel):
    """A message to others."""

    id: str  # type: ignore[assignment]
    merchant_id: str
    topic: str
    session_id: str
    payload: dict[str, Any]
    status: str = "pending"
    attempts: int = 0
    created_at: datetime
    next_attempt_at: datetime
    purge_at: datetime

    class Settings:
        """Where it is stored."""

        name = "outbox"
