"""What goes out to a provider when a checkout is opened."""

from service.providers.base import CheckoutRequest
from service.sessions.documents import Opening, Session
from service.sessions.operations.attempt_id import attempt_id
from service.sessions.operations.rules import Rules


def request_of(session: Session, opening: Opening, rules: Rules) -> CheckoutRequest:
    """Make the request of an attempt; equal for each repetition of it."""
    n, merchant_id, session_id = opening.n, session.merchant_id, session.session_id
    home = f"{rules.public_url}/shop/return?sessionId={session_id}"
    return CheckoutRequest(
        session_id=session_id,
        merchant_id=merchant_id,
        attempt_id=opening.attempt_id or attempt_id(merchant_id, session_id, n, rules.pepper),
        idempotency_key=f"tillgate:{merchant_id}:{session_id}:{n}",
        kind=session.kind,
        mode=session.mode,
        amount=session.amount,
        currency=session.currency,
        quantity=session.quantity,
        description=session.plan or session.pass_id or session.event_id or session_id,
        expires_at=opening.provider_expires_at,
        success_url=session.success_url or home,
        cancel_url=session.cancel_url or home,
        plan=session.plan,
        user_id=session.user_id,
        email=session.email,
        customer_id=session.provider_customer_id,
        trial_days=session.trial_days,
        repeated=opening.repeated,
    )
