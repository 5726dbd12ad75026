"""What is kept and told of a decision: who took it, about which money, and why."""

from datetime import datetime

from service.audit.operations import Act, record
from service.core.principal import Principal
from service.core.strict_json import JsonObject
from service.inbox.documents import WebhookEvent
from service.reviews.operations.choices import Case, Wish
from service.sessions.documents import Session
from service.sessions.operations.reviewing.telling import tell_decided
from service.storage.transaction import Transaction


async def keep_trail(
    tx: Transaction, by: Principal, wish: Wish, case: Case, row: WebhookEvent, now: datetime
) -> None:
    """Record a decision in its own transaction, with the money as the ledger then had it."""
    detail: JsonObject = {
        "eventId": row.id,
        "why": case.doubt.reason,
        "paymentId": case.doubt.about,
        "ledger": case.payment.status.value if case.payment else None,
    }
    if case.payment is not None:
        detail |= {"amount": case.payment.amount, "currency": case.payment.currency}
    session = f"session:{case.session.session_id}"
    await record(tx, by, Act(f"review.{wish.verdict}", session, wish.reason, detail), now)


async def tell(
    tx: Transaction, session: Session, wish: Wish, case: Case, row: WebhookEvent, now: datetime
) -> None:
    """Write the message of a decision, with its session as it stands then."""
    await tell_decided(tx, session, row.id, case.doubt.about, wish.choice.value, now)
