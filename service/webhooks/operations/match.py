"""Find the session that an event means."""

from operator import itemgetter

from service.providers.base import VerifiedEvent
from service.providers.facts import Subject
from service.sessions import repository
from service.sessions.documents import Session
from service.storage.group_commit.member import Question
from service.storage.transactions import Transaction
from service.web.principal import DEFAULT_MERCHANT


def merchant_of(event: VerifiedEvent) -> str:
    """Give the merchant that an event is for: the one that we sent along, else our own."""
    return event.subject.merchant_id or DEFAULT_MERCHANT


def sessions_of(event: VerifiedEvent, merchant_id: str) -> Question:
    """Ask for the sessions among which the meant one is."""
    return repository.by_provider_ids(merchant_id, event.provider, *_ids(event.subject))


def _ids(subject: Subject) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return subject.checkout_refs, (*subject.object_ids, *subject.sent_ids)


async def find_meant(
    tx: Transaction | None, event: VerifiedEvent, merchant_id: str
) -> Session | None:
    """Find the session of the event's merchant that was opened for the event's provider.

    First by the provider's checkout ids, then by a session id that is the provider's own order or
    payment id, then by the id that was sent along. A session's free metadata never matches.
    """
    subject = event.subject
    refs, session_ids = _ids(subject)
    candidates = await repository.find_by_provider_ids(
        merchant_id, event.provider, refs, session_ids, tx
    )
    placed = [(_place(session, subject), session) for session in candidates]
    meant = [(place, session) for place, session in placed if place is not None]
    return min(meant, key=itemgetter(0))[1] if meant else None


def _place(session: Session, subject: Subject) -> int | None:
    """Give the place in the order above; None for a session that is not meant."""
    if any(one in subject.checkout_refs for one in session.checkout_ids):
        return 0
    if session.session_id in subject.object_ids:
        return 1
    sent = subject.sent_ids
    return 2 + sent.index(session.session_id) if session.session_id in sent else None
