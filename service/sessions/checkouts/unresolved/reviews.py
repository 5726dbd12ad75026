"""Open a review of a payment that can't be resolved."""

from service.core.ids import digest
from service.inbox import repository
from service.inbox.documents import Doubt, WebhookEvent
from service.inbox.operations.keeping import as_json
from service.inbox.states import InboxStatus
from service.payments.payments.documents import Payment
from service.payments.payments.states import PaymentStatus
from service.providers import facts
from service.providers.base import inbox_id_of
from service.sessions import repository as sessions
from service.sessions.checkouts.services import CheckoutServices
from service.sessions.documents import Session
from service.sessions.operations.reviewing.doubts import UNRESOLVED
from service.sessions.operations.reviewing.sync_reviews import resync_reviews
from service.sessions.operations.reviewing.telling import tell_opened
from service.sessions.states import Status
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction


async def open_review(session: Session, payment: Payment, services: CheckoutServices) -> bool:
    """Put a live payment of a processing session into review; return whether it is new there.

    A review that was closed automatically is reopened; one that a person has decided is not.
    """

    async def work(tx: Transaction) -> bool:
        found = await sessions.find_within(tx, session.merchant_id, session.session_id)
        if found is None or found.status is not Status.PROCESSING:
            return False
        if payment.provider_payment_id not in found.live_attempts:
            return False
        row = _row(found, payment, services)
        if not await repository.open_again(row.to_row(), tx):
            return False
        # Written in any case: it must conflict with a decision made meanwhile.
        at, about = row.received_at, payment.provider_payment_id
        after = await sessions.change(found, {"$set": {"updatedAt": at}}, tx)
        await tell_opened(tx, after, row.id, about, UNRESOLVED, at)
        await resync_reviews(tx, after, services.inbox)
        return True

    return await in_transaction(work)


def _row(session: Session, payment: Payment, services: CheckoutServices) -> WebhookEvent:
    """Make the row of an event that never arrived: it reports the payment as the ledger has it."""
    now = services.clock.now()
    one = payment.provider_payment_id
    event_id = f"clock:{digest(f'{session.merchant_id}:{session.session_id}:{one}')[:32]}"
    return WebhookEvent(
        id=inbox_id_of(payment.provider, payment.account, payment.live, event_id),
        merchant_id=session.merchant_id,
        provider=payment.provider,
        account=payment.account,
        live=payment.live,
        event_id=event_id,
        type="payment.unresolved",
        source="clock",
        status=InboxStatus.REVIEW,
        session_id=session.session_id,
        reason=UNRESOLVED,
        doubts=[Doubt(about=one, reason=UNRESOLVED)],
        facts=[as_json(_fact(payment))],
        payload=b"{}",
        occurred_at=payment.status_at,
        received_at=now,
        processed_at=now,
    )


def _fact(payment: Payment) -> facts.Fact:
    told = facts.Payment(
        provider_payment_id=payment.provider_payment_id,
        amount=payment.amount,
        currency=payment.currency,
        method=payment.payment_method,
        checkout_ref=payment.provider_session_id,
        customer_id=payment.provider_customer_id,
    )
    held = payment.status is PaymentStatus.AUTHORIZED
    return facts.PaymentAuthorized(told) if held else facts.PaymentProcessing(told)
