"""Find the session that an event means."""

from collections.abc import Sequence
from typing import NamedTuple

from service.providers.base import VerifiedEvent
from service.providers.facts import Subject
from service.sessions import repository
from service.sessions.documents import Session
from service.storage.group_commit.member import Question
from service.storage.transactions import Transaction
from service.web.principal import DEFAULT_MERCHANT, Kind

# Whoever opened a session with one of these could not have opened anything at a provider.
_NO_SERVERS = (f"{Kind.PUBLISHABLE}:", f"{Kind.USER}:")


class Meant(NamedTuple):
    """The session that an event means, and the ids of its checkout that no other session has."""

    session: Session | None
    refs: tuple[str, ...]


def merchant_of(event: VerifiedEvent) -> str:
    """Return the merchant that an event is for: the one that a server sent along, else our own."""
    return event.subject.merchant_id or DEFAULT_MERCHANT


def sessions_of(event: VerifiedEvent, merchant_id: str) -> Question:
    """Ask for the sessions among which the meant one is."""
    return repository.by_provider_ids(merchant_id, event.provider, *_ids(event.subject))


def _ids(subject: Subject) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return subject.checkout_refs, (*subject.object_ids, *subject.sent_ids)


async def find_meant(
    tx: Transaction | None, event: VerifiedEvent, merchant_id: str, *, certain: bool
) -> Meant:
    """Find the session that was opened for the event's provider and that the event means.

    First by the provider's ids of the checkout; then by the id that a server sent along; last by a
    session id that is the provider's own order or payment id. A session's free metadata never
    matches. `certain`: the merchant is known; if not, a checkout that we opened tells it too.
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
    return Meant(meant, tuple(ref for ref in refs if ref not in others))


def _place(session: Session, subject: Subject) -> int | None:
    """Return the place in the order above; None for a session that is not meant."""
    first = [n for n, ref in enumerate(subject.checkout_refs) if ref in session.checkout_ids]
    if first:
        return first[0]
    sent, objects = subject.sent_ids, subject.object_ids
    place = len(subject.checkout_refs)
    if session.session_id in sent:
        return place + sent.index(session.session_id)
    named = session.session_id in objects and _opened_by_a_server(session)
    return place + len(sent) if named else None


def _opened_by_us(session: Session, refs: Sequence[str]) -> bool:
    """Tell whether one of these is of a checkout that we opened, not one that a server named."""
    named = {checkout.ref for checkout in session.checkouts if checkout.n == 0}
    return any(ref in session.checkout_ids and ref not in named for ref in refs)


def _opened_by_a_server(session: Session) -> bool:
    """Tell whether a secret key chose the session's id; a browser may have read it somewhere.

    A user's token is as good an owner, and no better a witness.
    """
    began_by = session.history[0].by if session.history else ""
    return session.owner == "trusted" and not began_by.startswith(_NO_SERVERS)
