"""Ask the provider instead of waiting: verify a session."""

from dataclasses import dataclass

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
from service.sessions import repository as sessions
from service.sessions.documents import Session
from service.sessions.errors import wrong_field
from service.sessions.operations.move import Why
from service.sessions.operations.settle.checkouts import nothing_underway
from service.sessions.operations.settle.event import Settling
from service.sessions.states import Status
from service.storage.transactions import Transaction, answers_in_time, in_transaction
from service.webhooks.operations.inbox import Inbox
from service.webhooks.operations.receive import take_in

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
    if ref is None or session.provider == "upi":
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
    await take_answer(event, session, inbox)
    return await read_again(session)


async def take_answer(event: VerifiedEvent, session: Session, inbox: Inbox) -> None:
    """Apply what the provider answered, through the inbox."""
    # "Still open" is no news to keep: it would be a duplicate the next time, and say nothing.
    if not all(isinstance(fact, CheckoutOpen) for fact in event.facts):
        await take_in(event, inbox, source="fetch", merchant_id=session.merchant_id)
    if not any(type(fact) in _MONEY for fact in event.facts):
        await _note_idle(event, session, inbox)


async def _note_idle(event: VerifiedEvent, session: Session, inbox: Inbox) -> None:
    """Nothing is under way, unless an event has told more since the question was asked."""
    now = inbox.clock.now()

    async def work(tx: Transaction) -> None:
        found = await sessions.find(session.merchant_id, session.session_id, tx)
        if found is None or found.version != session.version:
            return
        if found.status is Status.PROCESSING:
            why = Why(event.provider, now, reason="asked: no payment is under way")
            doing = Settling(tx, event, why, inbox.lifetimes, session.merchant_id)
            await nothing_underway(doing, found)

    await in_transaction(work)


def _current_ref(session: Session) -> str | None:
    return session.checkouts[-1].ref if session.checkouts else session.provider_session_id


async def read_again(session: Session) -> Session:
    """Return a session as it stands by now."""
    async with answers_in_time():
        return await sessions.find(session.merchant_id, session.session_id) or session
