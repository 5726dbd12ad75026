"""What goes into a file of payments."""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from service.core.strict_json import JsonObject
from service.storage.database import Row


class ExportPeriod(Struct, frozen=True):
    """The time of a file, its end excluded."""

    start: datetime
    end: datetime


class ExportHead(Struct, frozen=True, rename="camel", kw_only=True):
    """What stands before the `transactions` of a file."""

    success: bool = True
    export_date: datetime
    period: ExportPeriod
    transaction_count: int


class ExportLine(Struct, frozen=True, rename="camel", kw_only=True):
    """One payment; amounts in minor units of `currency`."""

    id: str
    amount: int
    currency: str
    status: str
    resource: str | None
    provider: str
    provider_payment_id: str
    payment_method: str | None
    session_id: str | None
    user_id: str | None
    country: str | None
    refunded: int
    failure_code: str | None
    created_at: datetime
    status_at: datetime
    metadata: JsonObject | UnsetType = UNSET


class ExportFile(ExportHead, frozen=True, rename="camel", kw_only=True):
    """A file of payments as JSON."""

    transactions: list[ExportLine]


def export_line(row: Row) -> ExportLine:
    """Show a payment, with its metadata where these were read."""
    return ExportLine(
        id=str(row["_id"]),
        amount=row["amount"],
        currency=row["currency"],
        status=row["status"],
        resource=row["item"],
        provider=row["provider"],
        provider_payment_id=row["providerPaymentId"],
        payment_method=row.get("paymentMethod"),
        session_id=row.get("sessionId"),
        user_id=row.get("userId"),
        country=(row.get("details") or {}).get("country"),
        refunded=row.get("refunded", 0),
        failure_code=row.get("failureCode"),
        created_at=row["createdAt"],
        status_at=row["statusAt"],
        metadata=row.get("metadata", UNSET),
    )
