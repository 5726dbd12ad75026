"""Apply a provider's answer about a checkout, and read its session again."""

from service.inbox.operations.inbox import Arrival
from service.inbox.operations.receive import take_in
from service.providers.base import VerifiedEvent
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
from service.sessions.checkouts.services import CheckoutServices
from service.sessions.checkouts.unresolved.overdue import note_answer
from service.sessions.documents import Session
from service.storage.answering import answers_in_time

# Any of these in the answer means that the money is ours or on its way.
_MONEY: frozenset[type[Fact]] = frozenset(
    {PaymentSucceeded, PaymentAuthorized, PaymentProcessing, PaidPartially, NoPaymentRequired}
)


async def take_answer(
    ref: str, event: VerifiedEvent, session: Session, services: CheckoutServices
) -> None:
    """Apply what the provider answered about a checkout, through the inbox."""
    # "Still open" is not worth storing: the next one would only be a duplicate.
    if not all(isinstance(fact, CheckoutOpen) for fact in event.facts):
        await take_in(Arrival(event, "fetch", asked_for=session.merchant_id), services.inbox)
    if not any(type(fact) in _MONEY for fact in event.facts):
        await note_answer(session, ref, event, services)


async def read_again(session: Session) -> Session:
    """Return a session in its current state."""
    async with answers_in_time():
        return await sessions.find(session.merchant_id, session.session_id) or session
