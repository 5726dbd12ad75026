"""Ask the provider instead of waiting: verify a session."""

from dataclasses import dataclass

from service.inbox.operations.inbox import Inbox
from service.inbox.operations.receive import take_in
from service.inbox.operations.unresolved.overdue import note_answer
from service.providers.base import ChecksCallbacks, VerifiedEvent
from service.providers.facts import (
    CheckoutOpen,
    Fact,
    NoPaymentRequired,
    PaidPartially,
    PaymentAuthorized,
    PaymentProcessing,
    PaymentSucceeded,
)
from service.providers.registry import REGISTRY
from service.sessions import repository as sessions
from service.sessions.documents import Session
from service.sessions.errors import wrong_field
from service.sessions.states import Status
from service.storage.answering import answers_in_time

# With one of these in the answer, money is ours or under way.
_MONEY: frozenset[type[Fact]] = frozenset(
    {PaymentSucceeded, PaymentAuthorized, PaymentProcessing, PaidPartially, NoPaymentRequired}
)


@dataclass(frozen=True, slots=True)
class Callback:
    """What a provider's checkout handed to the browser: a payment and its signature."""

    payment_id: str
    signature: str


async def verify_session(
    session: Session, inbox: Inbox, callback: Callback | None = None
) -> Session:
    """Ask the provider how a session's checkout stands, apply the answer, and read it again.

    A browser's callback is checked first, and only ever leads to the question: what completes a
    session is the provider's answer. Raises `SignatureRejected`, `ProviderFailed`.
    """
    ref = _current_ref(session)
    if ref is None or REGISTRY[session.provider].traits.manual:
        return session
    provider = inbox.providers.get(session.provider)
    if provider is None:
        raise wrong_field("sessionId", f"is of {session.provider}, which has no credentials here")
    if callback is not None:
        if not isinstance(provider, ChecksCallbacks):
            raise wrong_field("razorpay_signature", f"means nothing to {session.provider}")
        provider.check_callback(ref, callback.payment_id, callback.signature)
    if session.status is Status.COMPLETED:
        return session
    event = await provider.fetch(ref)
    await take_answer(ref, event, session, inbox)
    return await read_again(session)


async def take_answer(ref: str, event: VerifiedEvent, session: Session, inbox: Inbox) -> None:
    """Apply what the provider answered about a checkout, through the inbox."""
    # "Still open" is no news to keep: it would be a duplicate the next time, and say nothing.
    if not all(isinstance(fact, CheckoutOpen) for fact in event.facts):
        await take_in(event, inbox, source="fetch", merchant_id=session.merchant_id)
    if not any(type(fact) in _MONEY for fact in event.facts):
        await note_answer(session, ref, event, inbox)


def _current_ref(session: Session) -> str | None:
    return session.checkouts[-1].ref if session.checkouts else session.provider_session_id


async def read_again(session: Session) -> Session:
    """Return a session as it stands by now."""
    async with answers_in_time():
        return await sessions.find(session.merchant_id, session.session_id) or session
