"""What the facts about a subscription write: a mark that it is to be read, or what was read."""

from typing import assert_never

from msgspec import structs

from service.effects.applying import Applying
from service.effects.ledger import origin_of
from service.payments.payments.operations.reported import ReportedPayment
from service.payments.subscriptions import repository
from service.payments.subscriptions.operations.hint import Began, Hint, note_hint
from service.payments.subscriptions.operations.record import Reading, record_reading
from service.providers.base import OWN_ACCOUNT, VerifiedEvent
from service.providers.facts import (
    Fact,
    InvoiceFact,
    NoPaymentRequired,
    PaymentFact,
    SubscriptionFact,
    SubscriptionRead,
    SubscriptionUpdated,
)
from service.sessions.documents import Session
from service.storage.transaction import Question


async def record_fact(doing: Applying, session: Session | None, fact: SubscriptionFact) -> None:
    """Write how a subscription stood when it was read; mark it where something became of it."""
    match fact:
        case SubscriptionUpdated():
            hint = Hint(fact.provider_subscription_id, customer_id=fact.customer_id)
            await note(doing, session, hint)
        case SubscriptionRead():
            origin = origin_of(doing.event)
            reading = Reading(origin, fact, doing.merchant_id, _began(session))
            await record_reading(doing.tx, reading, doing.cause.at)
        case _:
            assert_never(fact)


def hint_in(fact: Fact) -> Hint | None:
    """Return the hint at the subscription that a payment or a checkout names, if it names one."""
    if isinstance(fact, PaymentFact | InvoiceFact):
        if (paid := fact.payment).subscription_id is not None:
            return Hint(
                paid.subscription_id,
                customer_id=paid.customer_id,
                payment_id=paid.provider_payment_id,
            )
    elif isinstance(fact, NoPaymentRequired) and fact.subscription_id is not None:
        return Hint(fact.subscription_id, customer_id=fact.customer_id)
    return None


async def as_of_subscription(doing: Applying, reported: ReportedPayment) -> ReportedPayment:
    """Return what is reported of a renewal as that of the session that began the subscription.

    That session itself may be purged by then.
    """
    subscription_id = reported.provider_subscription_id
    if subscription_id is None or reported.session_id is not None:
        return reported
    known = await repository.find(reported.provider, reported.account, subscription_id, doing.tx)
    if known is None or known.session_id is None:
        return reported
    return structs.replace(
        reported,
        merchant_id=known.merchant_id,
        session_id=known.session_id,
        session_opened_at=known.session_opened_at,
        owner=known.owner,
        user_id=known.user_id,
        plan_id=known.plan,
        plan_name=known.plan,
    )


def subscriptions_of(event: VerifiedEvent) -> list[Question]:
    """Ask for the subscriptions that an event names."""
    key = (event.provider, event.account)
    return [repository.by_provider_id(*key, one) for one in _named_in(event)]


def _named_in(event: VerifiedEvent) -> set[str]:
    named: set[str | None] = set()
    for fact in event.facts:
        if isinstance(fact, PaymentFact | InvoiceFact):
            named.add(fact.payment.subscription_id)
        elif isinstance(fact, NoPaymentRequired):
            named.add(fact.subscription_id)
        elif isinstance(fact, SubscriptionUpdated):
            named.add(fact.provider_subscription_id)
        elif isinstance(fact, SubscriptionRead):
            named.add(fact.subscription.provider_subscription_id)
    return {one for one in named if one is not None}


async def note(doing: Applying, session: Session | None, hint: Hint) -> None:
    """Note a hint; that of another account, which our keys can't read, leads to nothing.

    What a reading tells besides is no hint to read again.
    """
    event = doing.event
    if event.account != OWN_ACCOUNT:
        return
    if any(isinstance(fact, SubscriptionRead) for fact in event.facts):
        return
    merchant_id = doing.merchant_id if session is None else session.merchant_id
    began = _began(session)
    hint = structs.replace(hint, began=began)
    await note_hint(doing.tx, origin_of(event), merchant_id, hint, doing.cause.at)


def _began(session: Session | None) -> Began | None:
    """Return a session as the one that began a subscription; a single payment begins none."""
    if session is None or session.mode != "subscription":
        return None
    return Began(
        merchant_id=session.merchant_id,
        session_id=session.session_id,
        opened_at=session.created_at,
        owner=session.owner,
        user_id=session.user_id,
        plan=session.plan,
    )
