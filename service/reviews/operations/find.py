"""Find a review and all that a decision about it depends on."""

from service.core.errors import Conflict
from service.inbox import repository
from service.inbox.documents import Doubt, WebhookEvent
from service.inbox.errors import AlreadyDecided
from service.inbox.states import InboxStatus
from service.payments.payments import repository as payments
from service.providers.actors import actor
from service.reviews.errors import ReviewNotFound, SeveralPayments
from service.reviews.operations.choices import ALREADY_DECIDED, Case, Choice, outlook
from service.sessions.documents import Session
from service.sessions.operations.reviewing.doubts import doubts_of, undecided
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction


async def find_review(review_id: str, merchant_id: str) -> WebhookEvent:
    """Find a review by its event's id, or by the id of the session that it is about.

    By the session's id it is the one that the session names: the first undecided one, else one
    that awaits its capture, else the last that was decided. Raises `ReviewNotFound`.
    """
    async with answers_in_time():
        row = await repository.find(review_id, merchant_id)
        if row is not None and row.status is InboxStatus.REVIEW:
            return row
        waiting = await repository.open_reviews_of(merchant_id, review_id, NO_TRANSACTION)
        row = next((one for one in waiting if undecided(one)), None)
        if row is None:
            decided = await repository.decided_review_of(merchant_id, review_id)
            row = waiting[0] if waiting else decided
    if row is None:
        raise ReviewNotFound(review_id)
    return row


def doubt_of(row: WebhookEvent, payment_id: str | None) -> Doubt:
    """Return what of a review a decision is about.

    Raises `ReviewNotFound` where it doubts no such payment, `AlreadyDecided` where nothing is left,
    and `SeveralPayments` where it is not clear.
    """
    named = [one for one in doubts_of(row) if payment_id in {None, one.about}]
    if not named:
        raise ReviewNotFound(f"{row.id}, payment {payment_id}")
    left = [one for one in named if one in undecided(row)]
    if not left:
        by = next(one.decision.by for one in reversed(named) if one.decision is not None)
        raise AlreadyDecided(f"{row.id} has been decided by {actor(by)}.")
    if len(left) > 1:
        raise SeveralPayments([one.about for one in left])
    return left[0]


def refuse(choice: Choice, case: Case) -> None:
    """Refuse a decision that can't be taken. Raises `AlreadyDecided`, else `Conflict`."""
    look = outlook(choice, case)
    if look.code == ALREADY_DECIDED:
        raise AlreadyDecided(look.words)
    if not look.possible:
        raise Conflict(look.words, code=look.code)


async def case_of(tx: Transaction, row: WebhookEvent, doubt: Doubt, session: Session) -> Case:
    """Return a doubt with what the ledger now has of its payment, and of what completed."""
    payment = await payments.find(row.provider, row.account, doubt.about, tx)
    completed_by = None
    if session.provider_payment_id is not None:
        known = (session.provider, session.account, session.provider_payment_id)
        completed_by = await payments.find(*known, tx)
    return Case(doubt, session, payment, completed_by)
