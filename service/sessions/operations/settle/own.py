"""Whose a checkout is: the session's own, or one that only names the session."""

from enum import Enum

from msgspec import structs

from service.payments.payments.documents import Claim
from service.payments.payments.operations import Recorded
from service.providers.facts import Subject
from service.sessions import repository
from service.sessions.documents import Session
from service.sessions.operations.attempt_id import is_anothers, with_checkout_ids
from service.sessions.operations.settle.event import Mismatch, Settling
from service.storage.database import Row


class Whose(Enum):
    """What is known of the checkout that an event tells of."""

    OWN = "own"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


class CheckoutUnknown(Exception):
    """An event does not tell in which checkout its payment was made: its provider must be asked.

    Nobody is answered with it. `matched`: it names a session, which has checkouts of its own.
    """

    def __init__(self, *, matched: bool) -> None:
        """Say what is known."""
        super().__init__("The event does not tell in which checkout its payment was made.")
        self.matched = matched


def whose(session: Session, subject: Subject, known_ref: str | None = None) -> Whose:
    """Tell whose checkout an event is about; `known_ref` is what the ledger knows of its payment.

    A session that has opened no checkout and names none takes what names it, but for what an
    earlier session of its id has opened.
    """
    if not session.checkouts and session.opening is None:
        ours = (*subject.attempt_ids, *subject.checkout_refs)
        earlier = any(is_anothers(session, one) for one in ours)
        return Whose.FOREIGN if earlier else Whose.OWN
    told = {*subject.checkout_refs, *subject.attempt_ids, *subject.object_ids, known_ref}
    if not told.isdisjoint(session.checkout_ids) or _of_an_older_version(session, subject):
        return Whose.OWN
    silent = not subject.checkout_refs and known_ref is None
    return Whose.UNKNOWN if silent else Whose.FOREIGN


def _of_an_older_version(session: Session, subject: Subject) -> bool:
    """Tell whether an intent may be of a checkout that went out before attempts had ids."""
    before = any(one.n > 0 and one.attempt_id is None for one in session.checkouts)
    return before and not subject.checkout_refs and session.session_id in subject.sent_ids


def tied(
    doing: Settling, session: Session, recorded: Recorded | None, *, ask: bool = True
) -> Settling:
    """Note why a payment is not the session's own, if it is not.

    Raises `CheckoutUnknown` where the provider can be asked, and `ask` is set.
    """
    if recorded is not None and not is_claim_of(recorded.claimed_by, session):
        return structs.replace(doing, stranger=Mismatch.ANOTHERS)
    known_ref = recorded.provider_session_id if recorded is not None else None
    found = whose(session, doing.event.subject, known_ref)
    if found is Whose.OWN or (found is Whose.UNKNOWN and not ask):
        return doing
    if found is Whose.UNKNOWN and doing.may_ask:
        raise CheckoutUnknown(matched=True)
    return structs.replace(doing, stranger=Mismatch.FOREIGN)


def is_claim_of(claim: Claim | None, session: Session) -> bool:
    """Tell whether a payment is claimed by this very session: an id may have been used before."""
    if claim is None:
        return False
    return claim.is_of(session.merchant_id, session.session_id, session.created_at)


async def learn(doing: Settling, session: Session) -> Session:
    """Keep by which other ids the provider names the session's own checkout."""
    known = set(session.checkout_ids)
    if known.issuperset(doing.refs) or not session.checkouts:
        return session
    if whose(session, doing.event.subject) is not Whose.OWN:
        return session
    fields: Row = {"checkoutIds": with_checkout_ids(session, doing.refs)}
    return await repository.change(session, {"$set": fields}, doing.tx)
