"""Take in what a provider answered about a checkout, and read its session again."""

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

# With one of these in the answer, money is ours or under way.
_MONEY: frozenset[type[Fact]] = frozenset(
    {PaymentSucceeded, PaymentAuthorized, PaymentProcessing, PaidPartially, NoPaymentRequired}
)


async def take_answer(
    ref: str, event: VerifiedEvent, session: Session, services: CheckoutServices
) -> None:
    """Apply what the provider answered about a checkout, through the inbox."""
    # "Still open" is no news to keep: it would be a duplicate the next time, and say nothing.
    if not all(isinstance(fact, CheckoutOpen) for fact in event.facts):
        await take_in(Arrival(event, "fetch", asked_for=session.merchant_id), services.inbox)
    if not any(type(fact) in _MONEY for fact in event.facts):
        await note_answer(session, ref, event, services)


async def read_again(session: Session) -> Session:
    """Return a session as it stands by now."""
    async with answers_in_time():
        return await sessions.find(session.merchant_id, session.session_id) or session
