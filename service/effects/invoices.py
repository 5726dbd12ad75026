"""What the facts about a subscription's invoice write: the ledger's row.

Of a session it moves the one whose checkout is paid by it: that of the first invoice.
"""

from functools import partial

from service.effects.applying import Applying, SessionStep
from service.effects.carrying import follow, is_followed
from service.effects.ledger import attempt_of
from service.effects.payments import money_came, payment_failed
from service.effects.subscriptions import reported_of_invoice
from service.payments.attempts.operations.record import record_attempt
from service.payments.payments.operations.record import Recorded, record_payment
from service.providers.facts import InvoiceFact, InvoicePaid
from service.sessions.documents import Session


async def record_fact(
    doing: Applying, session: Session | None, fact: InvoiceFact
) -> SessionStep | None:
    """Write what is reported of an invoice's payment into its row; return what its session does.

    None for a renewal, and while no checkout has named the invoice as what pays it.
    """
    reported = await reported_of_invoice(doing, session, fact)
    if (attempt_id := attempt_of(fact)) is not None:
        await record_attempt(doing.tx, reported, attempt_id, doing.cause.at)
    recorded = await record_payment(doing.tx, reported, doing.cause.at)
    if is_followed(doing, reported, recorded):
        await follow(doing, reported, recorded, reported.session_id)
    if session is None or not _pays_checkout(session, recorded):
        return None
    step = money_came if isinstance(fact, InvoicePaid) else payment_failed
    return partial(step, payment=fact.payment, recorded=recorded)


def _pays_checkout(session: Session, recorded: Recorded) -> bool:
    """Return whether a checkout of a session said that it is paid by this: later, or by now."""
    return recorded.provider_session_id in session.checkout_ids
