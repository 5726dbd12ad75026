"""Whose a checkout is: the session's own, or one that only names the session."""

from enum import Enum

from msgspec import structs

from service.effects.applying import Applying
from service.inbox.operations.inbox import CheckoutUnknown
from service.payments.payments.operations.record import Recorded
from service.providers.facts import Subject
from service.sessions.documents import Session
from service.sessions.operations.opening.attempt_id import is_anothers
from service.sessions.operations.reviewing.claims import is_claim_of
from service.sessions.states import Mismatch


class Ownership(Enum):
    """What is known of the checkout that an event is about."""

    OWN = "own"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


def ownership_of(session: Session, subject: Subject, known_ref: str | None = None) -> Ownership:
    """Return whose checkout an event is about; `known_ref` is what the ledger knows of its payment.

    A session that has opened no checkout and names none takes what names it, but for what an
    earlier session of its id has opened.
    """
    if not session.checkouts and session.opening is None:
        ours = (*subject.attempt_ids, *subject.checkout_refs)
        earlier = any(is_anothers(session, one) for one in ours)
        return Ownership.FOREIGN if earlier else Ownership.OWN
    named = {*subject.checkout_refs, *subject.attempt_ids, *subject.object_ids, known_ref}
    if not named.isdisjoint(session.checkout_ids) or _of_an_older_version(session, subject):
        return Ownership.OWN
    silent = not subject.checkout_refs and known_ref is None
    return Ownership.UNKNOWN if silent else Ownership.FOREIGN


def _of_an_older_version(session: Session, subject: Subject) -> bool:
    """Return whether an intent may be of a checkout that went out before attempts had ids."""
    before = any(one.n > 0 and one.attempt_id is None for one in session.checkouts)
    return before and not subject.checkout_refs and session.session_id in subject.sent_ids


def check_ownership(
    doing: Applying, session: Session, recorded: Recorded | None, *, ask: bool = True
) -> Applying:
    """Note why a payment is not the session's own, if it is not.

    Raises `CheckoutUnknown` where the provider can be asked, and `ask` is set.
    """
    if recorded is not None and not is_claim_of(recorded.claimed_by, session):
        return structs.replace(doing, stranger=Mismatch.ANOTHERS)
    known_ref = recorded.provider_session_id if recorded is not None else None
    found = ownership_of(session, doing.event.subject, known_ref)
    if found is Ownership.OWN or (found is Ownership.UNKNOWN and not ask):
        return doing
    if found is Ownership.UNKNOWN and doing.may_ask:
        raise CheckoutUnknown(matched=True)
    return structs.replace(doing, stranger=Mismatch.FOREIGN)
