"""Messages about reviews: one that was opened, and what was decided."""

from collections.abc import Sequence
from datetime import datetime

from service.core.strict_json import JsonObject
from service.outbox import repository as outbox_repository
from service.outbox.operations import messages as outbox
from service.sessions.documents import Session
from service.storage.transaction import Transaction


async def tell_opened(
    tx: Transaction, session: Session, review_id: str, about: str, reason: str, at: datetime
) -> None:
    """Write the message that a payment of a session waits for a person; once for each reason.

    A provider reports a payment several times, and each report is a review of its own.
    """
    payload: JsonObject = {"reviewId": review_id, "about": about, "reason": reason}
    await _tell(tx, session, "review.opened", (about, reason), payload, at)


async def tell_decided(
    tx: Transaction, session: Session, review_id: str, about: str, choice: str, at: datetime
) -> None:
    """Write the message that a person has decided about a payment of a session."""
    payload: JsonObject = {"reviewId": review_id, "about": about, "choice": choice}
    await _tell(tx, session, "review.decided", (review_id, about, choice), payload, at)


async def _tell(
    tx: Transaction,
    session: Session,
    topic: str,
    key: Sequence[str],
    payload: JsonObject,
    at: datetime,
) -> None:
    of_session: JsonObject = {
        "status": session.status.value,
        "amount": session.amount,
        "currency": session.currency,
    }
    row = outbox.message(
        topic,
        # Its `sessionId` may be reused once it is purged, which happens before its messages are.
        ":".join((session.merchant_id, str(session.id), *key)),
        merchant_id=session.merchant_id,
        session_id=session.session_id,
        payload=payload | of_session,
        now=at,
    )
    await outbox_repository.add_once([row], tx)
