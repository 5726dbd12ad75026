"""Find the session that an event means."""

from collections.abc import Sequence
from typing import NamedTuple

from service.core.ids import MERCHANT_ID
from service.core.principal import DEFAULT_MERCHANT
from service.providers.base import VerifiedEvent
from service.providers.facts import Subject
from service.sessions import repository
from service.sessions.documents import Session
from service.sessions.operations.caller import opened_by_a_server
from service.storage.transaction import Question, Transaction


class Meant(NamedTuple):
    """The session that an event means, and the ids of its checkout that no other session has.

    `unproven` is a session that only a reference names, though no server opened it.
    """

    session: Session | None
    refs: tuple[str, ...]
    unproven: str | None = None


def merchant_named_in(event: VerifiedEvent) -> str | None:
    """Return the merchant that a server sent along; what no merchant can be called names none."""
    named = event.subject.merchant_id
    return named if named is not None and MERCHANT_ID.fullmatch(named) else None


def merchant_of(event: VerifiedEvent) -> str:
    """Return the merchant that an event is for: the one that a server sent along, else our own."""
    return merchant_named_in(event) or DEFAULT_MERCHANT


def sessions_of(event: VerifiedEvent, merchant_id: str) -> Question:
    """Ask for the sessions among which the meant one is."""
    return repository.by_provider_ids(merchant_id, event.provider, *_ids(event.subject))


def _ids(subject: Subject) -> tuple[tuple[str, ...], tuple[str, ...]]:
    named = (*subject.object_ids, *subject.sent_ids, *subject.references)
    return subject.checkout_refs, tuple(dict.fromkeys(named))


async def find_meant(
    tx: Transaction, event: VerifiedEvent, merchant_id: str, *, certain: bool
) -> Meant:
    """Find the session that was opened for the event's provider and that the event means.

    First by the provider's ids of the checkout; then by the id that a server sent along; last, for
    what a server opened alone, by a session id that is a merchant's own number at the provider, or
    the provider's own order or payment id. A session's free metadata never matches. `certain`: the
    merchant is known; if not, a checkout that we opened tells it too.
    """
    subject = event.subject
    refs, session_ids = _ids(subject)
    found = await repository.find_by_provider_ids(
        merchant_id, event.provider, refs, session_ids, tx
    )
    places = [
        (place, session.session_id, session)
        for session in found
        if (place := _place(session, subject)) is not None
        and (session.merchant_id == merchant_id or (not certain and _opened_by_us(session, refs)))
    ]
    meant = min(places, key=lambda one: one[:2])[2] if places else None
    others = {one for session in found if session is not meant for one in session.checkout_ids}
    named = (one.session_id for one in found if one.session_id in subject.references)
    unproven = next(named, None) if meant is None else None
    return Meant(meant, tuple(ref for ref in refs if ref not in others), unproven)


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
    """Tell whether one of these is of a checkout that we opened, not one that a server named."""
    named = {checkout.ref for checkout in session.checkouts if checkout.n == 0}
    return any(ref in session.checkout_ids and ref not in named for ref in refs)
