"""The request that is sent to a provider when a checkout is opened."""

from service.core.views import view_of
from service.providers.base import CheckoutRequest
from service.sessions.documents import Opening, Session
from service.sessions.operations.opening.attempt_id import attempt_id
from service.sessions.operations.rules import Rules


def home_of(session: Session, rules: Rules) -> str:
    """Return where a customer is sent back to if the session names no URL of its own."""
    return f"{rules.public_url}/shop/return?sessionId={session.session_id}"


def request_of(
    session: Session, opening: Opening, rules: Rules, plan_price: str | None = None
) -> CheckoutRequest:
    """Make the request of an attempt; it is the same each time the attempt is repeated.

    `plan_price` is the provider's id of the price that a subscription is opened with.
    """
    attempt = opening.attempt_id or attempt_id(session, opening.n, rules.pepper)
    home = home_of(session, rules)
    return view_of(
        CheckoutRequest,
        session,
        attempt_id=attempt,
        idempotency_key=f"tillgate:{session.merchant_id}:{attempt}:{opening.n}",
        description=_description(session),
        expires_at=opening.provider_expires_at,
        success_url=session.success_url or home,
        cancel_url=session.cancel_url or home,
        customer_id=session.provider_customer_id,
        repeated=opening.repeated,
        plan_price=plan_price,
    )


def _description(session: Session) -> str:
    """Describe what is sold, as the catalog calls it, without the session's other fields."""
    if session.title:
        return session.title
    if session.kind == "checkout":
        return session.plan or session.session_id
    named = [name for name in (session.event_id, session.pass_id) if name]
    return ": ".join(named) or session.session_id
