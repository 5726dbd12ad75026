"""Find out the state of a session without waiting for a webhook: its provider is asked, if any."""

from msgspec import Struct

from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.operations.browse import begun_by
from service.payments.subscriptions.sending.read import read_if_unread
from service.payments.subscriptions.sending.services import SubscriptionServices
from service.providers.base import AnswersFetches, ChecksCallbacks
from service.providers.registry import REGISTRY
from service.sessions.checkouts.answers import read_again, take_answer
from service.sessions.checkouts.services import CheckoutServices
from service.sessions.documents import Session
from service.sessions.errors import wrong_field
from service.sessions.operations.caller import Caller
from service.sessions.operations.find_session import find_session_by_any_id
from service.sessions.operations.opening.complete_free import complete_free, is_free
from service.sessions.states import Status, status_at


class Callback(Struct, frozen=True):
    """What a provider's checkout passed to the browser: a payment and its signature."""

    payment_id: str
    signature: str


async def verify(
    any_id: str, callback: Callback | None, caller: Caller, services: CheckoutServices
) -> Session:
    """Find a session by our id or a checkout's, and return its state at the provider.

    An open one with nothing to pay is completed: no provider knows more about it. Raises
    `SessionNotFound` and whatever `verify_session` raises.
    """
    session = await find_session_by_any_id(any_id, caller)
    now = services.clock.now()
    if is_free(session) and status_at(session.status, session.expires_at, now) is Status.PENDING:
        return await complete_free(session, None, caller, services.rules, now)
    return await verify_session(session, services, callback)


async def verify_session(
    session: Session, services: CheckoutServices, callback: Callback | None
) -> Session:
    """Ask the provider for the state of a session's checkout, apply it, and read the session again.

    A browser's callback is checked first, and never does more than cause the question: it is the
    provider's answer that completes a session. Raises `SignatureRejected`, `ProviderFailed`.
    """
    ref = _current_ref(session)
    if ref is None or REGISTRY[session.provider].traits.manual:
        return session
    provider = services.providers.get(session.provider)
    if provider is None:
        raise wrong_field("sessionId", f"is of {session.provider}, which has no credentials here")
    if callback is not None:
        if not isinstance(provider, ChecksCallbacks):
            raise wrong_field("razorpay_signature", f"means nothing to {session.provider}")
        provider.check_callback(ref, callback.payment_id, callback.signature)
    if session.status is Status.COMPLETED or not isinstance(provider, AnswersFetches):
        return session
    event = await provider.fetch(ref)
    await take_answer(ref, event, session, services)
    return await read_again(session)


async def subscription_begun(
    session: Session, services: SubscriptionServices
) -> Subscription | None:
    """Return the subscription that a session began, read at its provider where that is due."""
    if session.mode != "subscription":
        return None
    found = await begun_by(session.merchant_id, session.session_id, session.created_at)
    return None if found is None else await read_if_unread(found, services)


def _current_ref(session: Session) -> str | None:
    return session.checkouts[-1].ref if session.checkouts else session.provider_session_id
