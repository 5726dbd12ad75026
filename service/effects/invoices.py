"""What the facts about a subscription's invoice write: the ledger's row; they move no session."""

from typing import assert_never

from service.effects.applying import Applying
from service.effects.ledger import reported_in
from service.payments.payments.operations import record_payment
from service.payments.payments.states import PaymentStatus
from service.providers.facts import InvoiceFact, InvoicePaid, InvoicePaymentFailed
from service.sessions.documents import Session


async def record_fact(doing: Applying, session: Session | None, fact: InvoiceFact) -> None:
    """Write what is reported of an invoice's payment into its row."""
    match fact:
        case InvoicePaid():
            status = PaymentStatus.SUCCEEDED
        case InvoicePaymentFailed():
            status = PaymentStatus.FAILED
        case _:
            assert_never(fact)
    reported = reported_in(doing, session, fact.payment, status)
    await record_payment(doing.tx, reported, doing.cause.at)
