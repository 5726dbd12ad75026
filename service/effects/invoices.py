"""What the facts about a subscription's invoice write: the ledger's row; they move no session."""

from service.effects.applying import Applying
from service.effects.carrying import follow, is_followed
from service.effects.ledger import attempt_of
from service.effects.subscriptions import reported_of_invoice
from service.payments.attempts.operations.record import record_attempt
from service.payments.payments.operations.record import record_payment
from service.providers.facts import InvoiceFact
from service.sessions.documents import Session


async def record_fact(doing: Applying, session: Session | None, fact: InvoiceFact) -> None:
    """Write what is reported of an invoice's payment into its row."""
    reported = await reported_of_invoice(doing, session, fact)
    if (attempt_id := attempt_of(fact)) is not None:
        await record_attempt(doing.tx, reported, attempt_id, doing.cause.at)
    recorded = await record_payment(doing.tx, reported, doing.cause.at)
    if is_followed(doing, reported, recorded):
        await follow(doing, reported, recorded, reported.session_id)
