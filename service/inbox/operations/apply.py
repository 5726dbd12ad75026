"""Apply a verified event: its inbox row and all that it changes, in one commit."""

import asyncio

import structlog
from msgspec import structs

from service.core.errors import Busy, ProviderFailed, Unavailable
from service.inbox import repository
from service.inbox.operations.inbox import Arrival, Asking, CheckoutUnknown, Inbox, Receipt
from service.inbox.operations.keeping import row_of
from service.inbox.states import DONE, InboxStatus
from service.providers.base import KnowsCheckouts, VerifiedEvent
from service.providers.learned import with_learned
from service.storage.answering import Duplicate, answers_in_time
from service.storage.transaction import Question, Transaction

# Two events of one session may meet: the loser of a race reads again. More than these many times
# in a row is no race any more.
_TRIES = 5

# The provider waits for our answer meanwhile.
ASK_WITHIN_S = 2.0

log = structlog.get_logger(__name__)


async def apply_or_ask(arrival: Arrival, inbox: Inbox) -> Receipt:
    """Apply an event; if nobody knows in which checkout its payment was made, ask and apply then.

    Outside of the transaction, and bounded. While the provider is silent the event is parked, and
    its next try asks again.
    """
    event = arrival.event
    provider = inbox.providers.get(event.provider)
    if provider is None or not isinstance(provider, KnowsCheckouts):
        return await apply_event(arrival, inbox)
    try:
        return await apply_event(structs.replace(arrival, asking=Asking.FIRST), inbox)
    except CheckoutUnknown as unknown:
        matched = unknown.matched
    try:
        async with asyncio.timeout(ASK_WITHIN_S):
            learned = await provider.checkout_of(event, matched=matched)
    except (ProviderFailed, TimeoutError) as error:
        log.warning("no answer about a payment", event_id=event.inbox_id, reason=str(error))
        return await apply_event(structs.replace(arrival, asking=Asking.SILENT), inbox)
    if learned is not None:
        arrival = structs.replace(arrival, event=with_learned(event, learned))
    return await apply_event(arrival, inbox)


async def apply_event(arrival: Arrival, inbox: Inbox) -> Receipt:
    """Apply an event that may have been applied before.

    The row is written after all that the event changes, but in the same transaction: a second one
    of the same id aborts the whole, so nothing is done twice. Raises `Unavailable` when the
    database can't answer, `ReplayFailed` where an event that is done finds no session any more, and
    `CheckoutUnknown`, with nothing written, where its provider may be asked and has to be.
    """
    event, before = arrival.event, arrival.before
    if event.needs_confirmation is not None and not event.confirmed:
        raise RuntimeError("A hint is applied only after its provider was asked.")
    for _ in range(_TRIES):
        try:
            return await _apply_once(structs.replace(arrival, before=before), inbox)
        except (Busy, Duplicate):
            # Answer only what a majority read finds: on a stalled majority the duplicate-key error
            # can come before the other row is durable.
            known = before.status if before else None
            async with answers_in_time():
                before = await repository.find(event.inbox_id)
            # A replay begins with a row that is done: only a change since then is another's work.
            if before is not None and (before.is_decided or _done_since(before.status, known)):
                return Receipt(before.status, duplicate=True, session_id=before.session_id)
    raise Unavailable("The event meets too many others of its session; send it again.")


def _done_since(status: InboxStatus, known: InboxStatus | None) -> bool:
    return status in DONE and status is not known


async def _apply_once(arrival: Arrival, inbox: Inbox) -> Receipt:
    event, before = arrival.event, arrival.before

    async def work(tx: Transaction) -> Receipt:
        await tx.look_ahead(_questions(arrival, inbox))
        met = _meeting(event, inbox)
        known = repository.refuse_known if before is None else repository.waiting_for
        waiting = await known(met, tx)
        outcome = await inbox.apply(tx, arrival, inbox)
        row = row_of(arrival, outcome, inbox)
        if before is None:
            await repository.insert(row, tx)
        elif not await repository.replace(row, {before.status}, tx):
            raise Busy("The event is being applied by another call.")
        await repository.wake(waiting, inbox.clock.now(), tx)
        if outcome.afterwards is not None:
            await outcome.afterwards(tx)
        return Receipt(outcome.status, session_id=outcome.session_id)

    return await repository.commit(work, len(event.payload))


def _questions(arrival: Arrival, inbox: Inbox) -> list[Question]:
    met = _meeting(arrival.event, inbox)
    own = [repository.by_meeting(met)] if arrival.before is None else []
    return [*own, *inbox.questions(arrival)]


def _meeting(event: VerifiedEvent, inbox: Inbox) -> repository.Meeting:
    brings = tuple(sorted(inbox.brings(event)))
    return repository.Meeting(event.provider, event.account, event.inbox_id, brings)
