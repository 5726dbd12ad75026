"""How often one customer was reminded, whatever they began, against what their merchant wants."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from service.core.peppers import Pepper
from service.notifications.mail import repository as mails
from service.notifications.mail.operations.addresses import suppression_ids
from service.recovery import repository
from service.recovery.documents import RecoveryPolicy
from service.recovery.operations.services import RecoveryServices
from service.recovery.states import APART
from service.sessions.documents import Session
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction


def names_of(session: Session, peppers: Sequence[Pepper]) -> list[str]:
    """Return by what a session's customer is known: their id, and their address under peppers.

    Who has one of them in common is one customer: one person may have two accounts, and whoever
    names an address in many accounts is to fill no mailbox.
    """
    hashes = suppression_ids(session.merchant_id, session.email or "", peppers)
    return [f"user:{session.user_id}", *hashes]


async def is_suppressed(session: Session, services: RecoveryServices) -> bool:
    """Return whether a session's address gets receipts alone."""
    ids = suppression_ids(session.merchant_id, session.email or "", services.mail.peppers)
    return await mails.suppressed(ids) is not None


async def often_until(
    session: Session,
    policy: RecoveryPolicy,
    now: datetime,
    services: RecoveryServices,
    tx: Transaction = NO_TRANSACTION,
) -> tuple[bool, datetime | None]:
    """Return whether a customer had all reminders, and until when they are left alone.

    The latter is None where nobody has written to them for so long.
    """
    since = now - timedelta(days=policy.customer_days)
    names = names_of(session, services.mail.peppers)
    lately = await repository.reminded_lately(session.merchant_id, names, since, tx)
    alone = None if lately.last is None else lately.last + APART
    enough = lately.reminders >= policy.most_a_customer
    return enough, alone if alone is not None and alone > now else None
