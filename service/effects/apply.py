"""Apply a verified event: each of its facts to the ledger, and to the session that it means."""

from functools import partial
from typing import assert_never

from msgspec import Struct, structs

from service.core.errors import MalformedBody
from service.effects import checkouts, disputes, invoices, payments, refunds, subscriptions
from service.effects.applying import Applying, Taken
from service.effects.ledger import about, in_order, rows_of
from service.effects.matching import (
    Match,
    is_unknown_to_its_sender,
    match_session,
    sessions_of,
)
from service.inbox.operations.inbox import Arrival, Asking, CheckoutUnknown, Inbox, Outcome, parked
from service.inbox.states import InboxStatus
from service.outbox.operations.hearing import Heard, nobody
from service.payments.payments.documents import Payment
from service.providers import facts
from service.providers.base import VerifiedEvent
from service.providers.facts import Fact
from service.sessions.documents import Session
from service.sessions.operations.moving.move import Cause
from service.sessions.operations.reviewing.sync_reviews import concerns_reviews, sync_reviews
from service.sessions.states import Lifetimes
from service.storage.transaction import Question, Transaction


def questions(arrival: Arrival) -> list[Question]:
    """Ask ahead for the sessions and payments that applying an event reads."""
    if not arrival.event.facts:
        return []
    event = arrival.event
    return [sessions_of(arrival), *rows_of(event), *subscriptions.subscriptions_of(event)]


async def apply(
    tx: Transaction,
    arrival: Arrival,
    inbox: Inbox,
    *,
    lifetimes: Lifetimes,
    heard: Heard = nobody,
) -> Outcome:
    """Apply all facts of an event, and return what came of it.

    Raises `CheckoutUnknown` where its provider may be asked in which checkout its payment was made.
    """
    event = arrival.event
    if not event.facts:
        ignored = _ignored(arrival, "no use for this type")
        return _agreeing(ignored, arrival, None, None, inbox)
    cause = _cause(event, inbox)
    match = await match_session(tx, arrival, cause.at)
    may_ask = arrival.asking is Asking.FIRST
    doing = Applying(
        tx, event, cause, lifetimes, arrival.merchant_id, match.refs, may_ask, heard=heard
    )
    result = await _apply_facts(doing, match.session)
    if match.session is None and result.needs_session:
        if is_unknown_to_its_sender(event.subject):
            return _ignored(arrival, "another system's: it says that its checkout is unknown")
        if may_ask and event.learned is None:
            raise CheckoutUnknown(matched=False)
        return parked(_no_match(arrival, match), arrival, inbox)
    if result.missing is not None:
        return _waiting(arrival, match.session, result.missing, inbox)
    outcome = structs.replace(_outcome_of(result, arrival), at=cause.at)
    return _agreeing(outcome, arrival, match.session, result.session, inbox)


def _waiting(
    arrival: Arrival, session: Session | None, ids: tuple[str, ...], inbox: Inbox
) -> Outcome:
    """Park a refund or a dispute until a payment of any of the ids comes.

    It names its session where that is known: it is not purged meanwhile.
    """
    waiting = parked("its payment is not known", arrival, inbox)
    if waiting.status is InboxStatus.PARKED:
        waiting = structs.replace(waiting, waits_for=ids)
    if session is None:
        return waiting
    return structs.replace(
        waiting,
        session_id=session.session_id,
        merchant_id=session.merchant_id,
        user_id=session.user_id,
    )


def _ignored(arrival: Arrival, reason: str) -> Outcome:
    return Outcome(InboxStatus.IGNORED, merchant_id=arrival.merchant_id, reason=reason)


class _Result(Struct, frozen=True):
    """The session after all facts, what of it is in doubt, and whether they mean one at all.

    `payment` is that of a refund or a dispute; by the ids in `missing` there is none yet (None:
    nothing is awaited).
    """

    session: Session | None
    doubts: dict[str, str]
    needs_session: bool
    payment: Payment | None
    missing: tuple[str, ...] | None


async def _apply_facts(doing: Applying, session: Session | None) -> _Result:
    doubts: dict[str, str] = {}
    needs_session = False
    payment: Payment | None = None
    missing: tuple[str, ...] | None = None
    for fact in in_order(doing.event.facts):
        one = structs.replace(doing, about=about(fact))
        taken = await _record(one, session, fact)
        if (hint := subscriptions.hint_in(one, fact)) is not None:
            await subscriptions.note(one, session, fact, hint)
        payment, missing = (
            payment or taken.payment,
            missing if taken.missing is None else taken.missing,
        )
        if taken.step is None:
            continue
        needs_session = True
        if session is not None:
            applied = await taken.step(one, session)
            session = applied.session
            if applied.review is not None:
                doubts.setdefault(one.about, applied.review.value)
    return _Result(session, doubts, needs_session, payment, missing)


async def _record(doing: Applying, session: Session | None, fact: Fact) -> Taken:
    """Take the ledger's step for a fact, and return what is left of it.

    A fact that nobody takes is a type error, here or in the file of its aggregate.
    """
    if isinstance(fact, facts.PaymentFact):
        return Taken(await payments.record_fact(doing, session, fact))
    if isinstance(fact, facts.CheckoutFact):
        return Taken(checkouts.session_step(fact))
    if isinstance(fact, facts.InvoiceFact):
        return Taken(await invoices.record_fact(doing, session, fact))
    if isinstance(fact, facts.RefundFact):
        return await refunds.record_fact(doing, session, fact)
    if isinstance(fact, facts.DisputeFact):
        return await disputes.record_fact(doing, fact)
    if isinstance(fact, facts.SubscriptionFact):
        await subscriptions.record_fact(doing, session, fact)
    elif isinstance(fact, facts.Unreadable):
        raise MalformedBody(fact.reason)
    else:
        assert_never(fact)
    return Taken()


def _cause(event: VerifiedEvent, inbox: Inbox) -> Cause:
    subject = event.subject
    named = (*subject.checkout_refs, *subject.attempt_ids, *subject.sent_ids)
    return Cause(event.provider, inbox.clock.now(), event_id=event.inbox_id, named=named)


def _no_match(arrival: Arrival, match: Match) -> str:
    if arrival.asking is Asking.SILENT:
        return "the provider does not tell of its checkout"
    if match.unproven is None:
        return "no session matches"
    return f"only its reference names session {match.unproven}, which no server opened"


def _outcome_of(result: _Result, arrival: Arrival) -> Outcome:
    of: Session | Payment | None = result.session or result.payment
    done = Outcome(
        InboxStatus.PROCESSED,
        of.session_id if of else None,
        of.merchant_id if of else arrival.merchant_id,
        of.user_id if of else None,
    )
    if not result.doubts:
        return done
    reason, *_ = result.doubts.values()
    doubts = tuple(result.doubts.items())
    return structs.replace(done, status=InboxStatus.REVIEW, reason=reason, doubts=doubts)


def _agreeing(
    outcome: Outcome,
    arrival: Arrival,
    found: Session | None,
    session: Session | None,
    inbox: Inbox,
) -> Outcome:
    """Have the session's reviews agree with it, once the event's row is written."""
    before = arrival.before
    if not concerns_reviews(before, found):
        return outcome
    after = partial(sync_reviews, before=before, found=found, session=session, inbox=inbox)
    return structs.replace(outcome, afterwards=after)
