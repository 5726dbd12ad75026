"""What the facts about a subscription's invoice write: the ledger's row; they move no session."""

from service.effects.applying import Applying
from service.effects.ledger import reported_in
from service.payments.payments.operations.record import record_payment
from service.providers.facts import InvoiceFact
from service.sessions.documents import Session


async def record_fact(doing: Applying, session: Session | None, fact: InvoiceFact) -> None:
    """Write what is reported of an invoice's payment into its row."""
    await record_payment(doing.tx, reported_in(doing, session, fact), doing.cause.at)
