"""Find the session that an event means, and get it ready to be changed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from service.effects.ownership import Ownership, ownership_of
from service.inbox.operations.inbox import Arrival, Asking, Named
from service.providers.facts import Subject
from service.sessions import repository
from service.sessions.documents import Session
from service.sessions.operations.caller import opened_by_a_server
from service.sessions.operations.opening.attempt_id import with_checkout_ids
from service.storage.database import Row
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Question, Transaction

_UNKNOWN = "unknown"

# The clocks of two machines differ by less.
_AHEAD = timedelta(hours=1)


class Match(Struct, frozen=True):
    """The session that an event means, and the ids of its checkout that no other session has.

    `unproven` is a session that only a reference names, though no server opened it.
    """

    session: Session | None
    refs: tuple[str, ...]
    unproven: str | None = None


def sessions_of(arrival: Arrival) -> Question:
    """Ask for the sessions among which the meant one is."""
    ids = _ids(arrival.event.subject)
    return repository.by_provider_ids(arrival.merchant_id, arrival.event.provider, *ids)


def is_unknown_to_its_sender(subject: Subject) -> bool:
    """Return whether an event says itself that its session is unknown, and names no other.

    The reference stack writes that word where it has no id: what it opened is never one of ours.
    """
    return subject.sent_ids == (_UNKNOWN,)


async def named_by(arrival: Arrival) -> Named | None:
    """Name the session that an event means, where it can't be applied now."""
    session = (await find_match(NO_TRANSACTION, arrival)).session
    return Named(session.merchant_id, session.session_id) if session is not None else None


async def match_session(tx: Transaction, arrival: Arrival, now: datetime) -> Match:
    """Find the meant session, and write what meeting an event writes into it.

    None while its provider can't be asked whether it is meant.
    """
    subject = arrival.event.subject
    match = await find_match(tx, arrival)
    session = match.session
    if session is None:
        return match
    if arrival.asking is Asking.SILENT and ownership_of(session, subject) is Ownership.UNKNOWN:
        return replace(match, session=None)
    session = await _hold_back(tx, session, now)
    return replace(match, session=await learn(tx, session, subject, match.refs))


def _ids(subject: Subject) -> tuple[tuple[str, ...], tuple[str, ...]]:
    named = (*subject.object_ids, *subject.sent_ids, *subject.references)
    return subject.checkout_refs, tuple(dict.fromkeys(named))


async def find_match(tx: Transaction, arrival: Arrival) -> Match:
    """Find the session that was opened for the event's provider and that the event means.

    First by the provider's ids of the checkout; then by the id that a server sent along; last, for
    what a server opened alone, by a session id that is a merchant's own number at the provider, or
    the provider's own order or payment id. A session's free metadata never matches. Where no
    merchant is named, a checkout that we opened shows it too.
    """
    subject, merchant_id = arrival.event.subject, arrival.merchant_id
    unnamed = arrival.named_merchant is None
    refs, session_ids = _ids(subject)
    found = await repository.find_by_provider_ids(
        merchant_id, arrival.event.provider, refs, session_ids, tx
    )
    places = [
        (place, session.session_id, session)
        for session in found
        if (place := _place(session, subject)) is not None
        and (session.merchant_id == merchant_id or (unnamed and _opened_by_us(session, refs)))
    ]
    best = min(places, key=lambda one: one[:2])[2] if places else None
    others = {one for session in found if session is not best for one in session.checkout_ids}
    named = (one.session_id for one in found if one.session_id in subject.references)
    unproven = next(named, None) if best is None else None
    return Match(best, tuple(ref for ref in refs if ref not in others), unproven)


def _place(session: Session, subject: Subject) -> int | None:
    """Return the place in the order above; None for a session that is not meant."""
    first = [n for n, ref in enumerate(subject.checkout_refs) if ref in session.checkout_ids]
    if first:
        return first[0]
    sent, place = subject.sent_ids, len(subject.checkout_refs)
    if session.session_id in sent:
        return place + sent.index(session.session_id)
    if not opened_by_a_server(session):
        return None
    place, numbers = place + len(sent), subject.references
    if session.session_id in numbers:
        return place + numbers.index(session.session_id)
    return place + len(numbers) if session.session_id in subject.object_ids else None


def _opened_by_us(session: Session, refs: Sequence[str]) -> bool:
    """Return whether one of these is of a checkout that we opened, not one that a server named."""
    named = {checkout.ref for checkout in session.checkouts if checkout.n == 0}
    return any(ref in session.checkout_ids and ref not in named for ref in refs)


async def _hold_back(tx: Transaction, session: Session, now: datetime) -> Session:
    """Write a session that a purge may be looking at, so that one of the two has to look again.

    The purge asks what still needs a session, and an event may write just that (a payment under
    way) without a word in the session. This is that word, and it takes the purge's mark away.
    """
    if session.purge_at is None or session.purge_at > now + _AHEAD:
        return session
    return await repository.change(session, {"$set": {"deletableAt": None, "updatedAt": now}}, tx)


async def learn(
    tx: Transaction, session: Session, subject: Subject, refs: tuple[str, ...]
) -> Session:
    """Keep by which other ids the provider names the session's own checkout."""
    if set(session.checkout_ids).issuperset(refs) or not session.checkouts:
        return session
    if ownership_of(session, subject) is not Ownership.OWN:
        return session
    fields: Row = {"checkoutIds": with_checkout_ids(session, refs)}
    return await repository.change(session, {"$set": fields}, tx)
