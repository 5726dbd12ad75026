"""Whether a person must decide about a payment, or has rejected it."""

from service.inbox import repository as inbox
from service.payments.payments.documents import Payment
from service.sessions.operations.reviewing.doubts import undecided
from service.sessions.repository import Sold
from service.storage.transaction import Transaction


async def is_doubted(payment: Payment, session: Sold | None, tx: Transaction) -> bool:
    """Return whether a subscription's payment is in doubt; any other is a sale by its session."""
    if session is None or payment.provider_subscription_id is None:
        return False
    doubted = set(session.rejected)
    if session.in_review:
        rows = await inbox.open_reviews_of(session.merchant_id, session.session_id, tx)
        doubted |= {doubt.about for row in rows for doubt in undecided(row)}
    return not doubted.isdisjoint((payment.provider_payment_id, *payment.aliases))
