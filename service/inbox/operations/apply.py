"""Apply a verified event: its inbox row, the session, the ledger and the outbox in one commit."""

from enum import Enum

from msgspec import Struct, structs

from service.core.errors import Busy, Unavailable
from service.inbox import repository
from service.inbox.documents import Source, WebhookEvent
from service.inbox.operations.facts import FACTS, LEDGER_ONLY, about, in_order, payments_of
from service.inbox.operations.inbox import Inbox, Outcome, Receipt, row_of
from service.inbox.operations.match import (
    Meant,
    find_meant,
    merchant_named_in,
    merchant_of,
    sessions_of,
)
from service.inbox.operations.review.agreeing import agree
from service.inbox.operations.review.doubts import is_decided
from service.inbox.states import DONE, InboxStatus, next_attempt_at
from service.providers.base import VerifiedEvent
from service.sessions.documents import Session
from service.sessions.operations.hold_back import hold_back
from service.sessions.operations.move import Why
from service.sessions.operations.settle.event import Settling
from service.sessions.operations.settle.own import CheckoutUnknown, Whose, learn, whose
from service.storage.answering import Duplicate, answers_in_time
from service.storage.transaction import Question, Transaction

# Two events of one session may meet: the loser of a race reads again. More than these many times
# in a row is no race any more.
_TRIES = 5


class Asking(Enum):
    """Whether the provider can be asked in which checkout an event's payment was made.

    FIRST: before anything is written. DONE: it was asked, or there is nothing to ask. SILENT: it
    did not answer, so the event has to wait.
    """

    FIRST = "first"
    DONE = "done"
    SILENT = "silent"


async def apply_event(
    event: VerifiedEvent,
    inbox: Inbox,
    *,
    source: Source = "webhook",
    before: WebhookEvent | None = None,
    merchant_id: str | None = None,
    asking: Asking = Asking.DONE,
) -> Receipt:
    """Apply an event that may have been applied before; `before` is its row, if it is known.

    The row is written last, but in the same transaction: a second one of the same id aborts the
    whole, so nothing is done twice. Raises `Unavailable` when the database can't answer,
    `ReplayFailed` where an event that is done finds no session any more, and `CheckoutUnknown`,
    with nothing written, where its provider may be asked and has to be.
    """
    if event.needs_confirmation is not None and not event.confirmed:
        raise RuntimeError("A hint is applied only after its provider was asked.")
    origin = Origin(source, merchant_id, asking)
    for _ in range(_TRIES):
        try:
            return await _apply_once(event, inbox, origin, before)
        except (Busy, Duplicate):
            # Answer only what a majority read finds: on a stalled majority the duplicate-key error
            # can come before the other row is durable.
            known = before.status if before else None
            async with answers_in_time():
                before = await repository.find(event.inbox_id)
            # A replay begins with a row that is done: only a change since then is another's work.
            if before is not None and (is_decided(before) or _done_since(before.status, known)):
                return Receipt(before.status, duplicate=True, session_id=before.session_id)
    raise Unavailable("The event meets too many others of its session; send it again.")


class Origin(Struct, frozen=True):
    """Where an event comes from, and whether its provider can still be asked about it.

    `merchant_id` is set where it was asked for, for a session that is known.
    """

    source: Source
    merchant_id: str | None
    asking: Asking


def _done_since(status: InboxStatus, known: InboxStatus | None) -> bool:
    return status in DONE and status is not known


async def _apply_once(
    event: VerifiedEvent, inbox: Inbox, origin: Origin, before: WebhookEvent | None
) -> Receipt:
    merchant = origin.merchant_id or merchant_of(event)

    async def work(tx: Transaction) -> Receipt:
        await tx.look_ahead(_questions(event, before, merchant))
        if before is None:
            await repository.refuse_known(event.inbox_id, tx)
        applied = await _apply(tx, event, inbox, before, origin)
        outcome = applied.outcome
        row = row_of(event, outcome, inbox, before, origin.source)
        if before is None:
            await repository.insert(row, tx)
        elif not await repository.replace(row, {before.status}, tx):
            raise Busy("The event is being applied by another call.")
        await agree(tx, before, applied.found, applied.session, inbox)
        return Receipt(outcome.status, session_id=outcome.session_id)

    return await repository.commit(work, len(event.payload))


def _questions(event: VerifiedEvent, before: WebhookEvent | None, merchant: str) -> list[Question]:
    questions = [repository.by_id(event.inbox_id)] if before is None else []
    if event.facts:
        questions += [sessions_of(event, merchant), *payments_of(event)]
    return questions


class _Applied(Struct, frozen=True):
    """What applying came to, and its session as it was found and as it now stands."""

    outcome: Outcome
    found: Session | None = None
    session: Session | None = None


async def _apply(
    tx: Transaction,
    event: VerifiedEvent,
    inbox: Inbox,
    before: WebhookEvent | None,
    origin: Origin,
) -> _Applied:
    merchant = origin.merchant_id or merchant_of(event)
    if not event.facts:
        reason = "no use for this type"
        return _Applied(Outcome(InboxStatus.IGNORED, merchant_id=merchant, reason=reason))
    now = inbox.clock.now()
    meant = await _find(tx, event, origin)
    found, refs = meant.session, meant.refs
    told = event.subject
    named = (*told.checkout_refs, *told.attempt_ids, *told.sent_ids)
    why = Why(event.provider, now, event_id=event.inbox_id, named=named)
    may_ask = origin.asking is Asking.FIRST
    doing = Settling(tx, event, why, inbox.lifetimes, merchant, refs=refs, may_ask=may_ask)
    session = found
    if session is not None:
        merchant = session.merchant_id
        session = await learn(doing, await hold_back(tx, session, now))
    doubts: dict[str, str] = {}
    for fact in in_order(event.facts):
        one = about(fact)
        applied = await FACTS[type(fact)](structs.replace(doing, about=one), session, fact)
        session = applied.session
        if applied.review is not None:
            doubts.setdefault(one, applied.review.value)
    if session is None and any(type(fact) not in LEDGER_ONLY for fact in event.facts):
        if may_ask and event.learned is None:
            raise CheckoutUnknown(matched=False)
        silent = origin.asking is Asking.SILENT
        reason = "the provider does not tell of its checkout" if silent else _no_match(meant)
        return _Applied(parked(reason, inbox, before, merchant))
    outcome = _outcome_of(doubts, session, merchant)
    return _Applied(outcome, found, session)


async def _find(tx: Transaction, event: VerifiedEvent, origin: Origin) -> Meant:
    """Find the meant session; none while its provider can't be asked whether it is meant."""
    merchant = origin.merchant_id or merchant_of(event)
    certain = origin.merchant_id is not None or merchant_named_in(event) is not None
    meant = await find_meant(tx, event, merchant, certain=certain)
    if meant.session is None or origin.asking is not Asking.SILENT:
        return meant
    unknown = whose(meant.session, event.subject) is Whose.UNKNOWN
    return meant._replace(session=None) if unknown else meant


def _no_match(meant: Meant) -> str:
    if meant.unproven is None:
        return "no session matches"
    return f"only its reference names session {meant.unproven}, which no server opened"


def _outcome_of(doubts: dict[str, str], session: Session | None, merchant: str) -> Outcome:
    session_id = session.session_id if session else None
    if not doubts:
        return Outcome(InboxStatus.PROCESSED, session_id, merchant)
    reason, *_ = doubts.values()
    told = tuple(doubts.items())
    return Outcome(InboxStatus.REVIEW, session_id, merchant, reason=reason, doubts=told)


def parked(reason: str, inbox: Inbox, before: WebhookEvent | None, merchant_id: str) -> Outcome:
    """Make the outcome of an event that has to wait, or is dead after 30 days of waiting."""
    now = inbox.clock.now()
    received_at = before.received_at if before else now
    again_at = next_attempt_at(received_at, before.attempts if before else 1, now)
    status = InboxStatus.PARKED if again_at else InboxStatus.DEAD
    return Outcome(status, None, merchant_id, reason=reason, next_attempt_at=again_at)
