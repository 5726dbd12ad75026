"""What the facts about a subscription write: a mark that it is to be read, or what was read."""

from typing import assert_never

from msgspec import structs

from service.effects.applying import Applying
from service.effects.ledger import origin_of, reported_in
from service.effects.ownership import Ownership, ownership_of
from service.effects.reviewing import foreign
from service.payments.payments.operations.reported import ReportedPayment
from service.payments.subscriptions import repository
from service.payments.subscriptions.documents import Subscription
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
from service.sessions.operations.caller import opened_by_a_server
from service.storage.transaction import Question


async def record_fact(doing: Applying, session: Session | None, fact: SubscriptionFact) -> None:
    """Write how a subscription stood when it was read; that something became of it is noted."""
    match fact:
        case SubscriptionUpdated():
            pass
        case SubscriptionRead():
            began = _began(session_of(doing, session))
            paid = _paid_by(doing.event)
            reading = Reading(origin_of(doing.event), fact, doing.merchant_id, began, paid)
            await record_reading(doing.tx, reading, doing.cause.at)
        case _:
            assert_never(fact)


def hint_in(doing: Applying, fact: Fact) -> Hint | None:
    """Return that something became of the subscription that a fact names; None if it names none.

    That of another account, which our keys can't read, leads to nothing; what a reading tells
    besides is no hint to read again.
    """
    hint, event = _named_by(fact), doing.event
    if hint is None or event.account != OWN_ACCOUNT:
        return None
    is_reading = any(isinstance(one, SubscriptionRead) for one in event.facts)
    return None if is_reading else hint


async def note(doing: Applying, session: Session | None, fact: Fact, hint: Hint) -> None:
    """Note what became of a subscription: it is to be read."""
    in_checkout = isinstance(fact, PaymentFact | NoPaymentRequired)
    own = session_of(doing, session, in_checkout=in_checkout)
    merchant_id = doing.merchant_id if own is None else own.merchant_id
    hint = structs.replace(hint, began=_began(own))
    await note_hint(doing.tx, origin_of(doing.event), merchant_id, hint, doing.cause.at)


def _named_by(fact: Fact) -> Hint | None:
    if isinstance(fact, PaymentFact | InvoiceFact):
        if (paid := fact.payment).subscription_id is not None:
            return Hint(
                paid.subscription_id,
                customer_id=paid.customer_id,
                payment_id=paid.provider_payment_id,
            )
    elif isinstance(fact, NoPaymentRequired) and fact.subscription_id is not None:
        return Hint(fact.subscription_id, customer_id=fact.customer_id)
    elif isinstance(fact, SubscriptionUpdated):
        return Hint(fact.provider_subscription_id, customer_id=fact.customer_id)
    return None


def session_of(
    doing: Applying, session: Session | None, *, in_checkout: bool = False
) -> Session | None:
    """Return the session that an event names, if the event's subscription is that one's own.

    Its id may be that of an earlier one, which is purged, or a word of another system of the shop.
    What a checkout says is as true of its subscription as of its payment; whatever else is said of
    a subscription names a browser's or a user's session only where that has opened a checkout.
    """
    if session is None or foreign(session, doing.event) is not None:
        return None
    found = ownership_of(session, doing.event.subject)
    if not in_checkout and opened_by_a_server(session):
        return None if found is Ownership.FOREIGN else session
    opened = in_checkout or bool(session.checkouts) or session.opening is not None
    return session if opened and found is Ownership.OWN else None


async def reported_of_invoice(
    doing: Applying, session: Session | None, fact: InvoiceFact | PaymentFact
) -> ReportedPayment:
    """Return what is reported of a renewal as that of the session that began the subscription.

    That session itself may be purged by then, and its id be another one's.
    """
    event, own = doing.event, session_of(doing, session)
    reported = reported_in(doing, own, fact)
    known, named = None, reported.provider_subscription_id
    if named is not None:
        known = await repository.find(event.provider, event.account, named, doing.tx)
    if known is None or known.session_id is None or _is_of(known, own):
        return reported
    return structs.replace(
        reported_in(doing, None, fact),
        merchant_id=known.merchant_id,
        session_id=known.session_id,
        session_opened_at=known.session_opened_at,
        owner=known.owner,
        user_id=known.user_id,
        plan_id=known.plan,
        plan_name=known.plan,
    )


def _is_of(known: Subscription, session: Session | None) -> bool:
    return session is not None and known.was_begun_by(
        session.merchant_id, session.session_id, session.created_at
    )


def _paid_by(event: VerifiedEvent) -> tuple[str, ...]:
    """Return the ids of the payments that a reading tells of."""
    invoices = [fact for fact in event.facts if isinstance(fact, InvoiceFact)]
    return tuple(one.payment.provider_payment_id for one in invoices)


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
