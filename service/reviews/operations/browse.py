"""List what waits for a person, with what can be decided about each."""

from collections import defaultdict

from msgspec import Struct

from service.core.paging import Cursor
from service.inbox.documents import Doubt, WebhookEvent
from service.inbox.operations.browse import EventFilter, list_events
from service.inbox.states import InboxStatus
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.reviews.operations.choices import Case, Choice, Outlook, choices
from service.reviews.operations.find import find_review
from service.sessions import repository as sessions
from service.sessions.documents import Session
from service.sessions.operations.reviewing.doubts import doubts_of
from service.storage.answering import answers_in_time

_GONE = Outlook("Its session is not there any more.", "review_not_found")


class DoubtOf(Struct, frozen=True):
    """A payment in doubt, and what each decision about it would do.

    With its row of the ledger and its session, as far as there are any.
    """

    doubt: Doubt
    outlooks: dict[Choice, Outlook]
    payment: Payment | None = None
    session: Session | None = None


class ReviewOf(Struct, frozen=True):
    """A review, and what it doubts."""

    row: WebhookEvent
    doubts: list[DoubtOf]


async def list_reviews(
    merchant_id: str, *, cursor: Cursor | None, limit: int
) -> tuple[list[ReviewOf], Cursor | None]:
    """List a merchant's open reviews, newest first, also those that await a capture."""
    filters = EventFilter(InboxStatus.REVIEW, undecided=True)
    rows, following = await list_events(merchant_id, filters, cursor=cursor, limit=limit)
    return await _reviews_of(merchant_id, rows), following


async def read_review(merchant_id: str, review_id: str) -> ReviewOf:
    """Find a review by its event's id or its session's, decided or not. Raises `ReviewNotFound`."""
    async with answers_in_time():
        row = await find_review(review_id, merchant_id)
    [found] = await _reviews_of(merchant_id, [row])
    return found


async def _reviews_of(merchant_id: str, rows: list[WebhookEvent]) -> list[ReviewOf]:
    async with answers_in_time():
        found = await sessions.find_many(merchant_id, {row.session_id or "" for row in rows})
        by_id = {session.session_id: session for session in found}
        paid = await _payments_of(rows, by_id)
    return [_review_of(row, by_id.get(row.session_id or ""), paid) for row in rows]


async def _payments_of(
    rows: list[WebhookEvent], by_id: dict[str, Session]
) -> dict[tuple[str, str, str], Payment]:
    wanted: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        wanted[row.provider, row.account] |= {one.about for one in doubts_of(row)}
        session = by_id.get(row.session_id or "")
        if session is not None and session.provider_payment_id is not None:
            wanted[session.provider, session.account].add(session.provider_payment_id)
    found = [
        payment
        for (provider, account), ids in wanted.items()
        for payment in await payments.find_many(provider, account, ids)
    ]
    return {(one.provider, one.account, one.provider_payment_id): one for one in found}


def _review_of(
    row: WebhookEvent, session: Session | None, paid: dict[tuple[str, str, str], Payment]
) -> ReviewOf:
    return ReviewOf(row, [_doubt_of(one, row, session, paid) for one in doubts_of(row)])


def _doubt_of(
    doubt: Doubt,
    row: WebhookEvent,
    session: Session | None,
    paid: dict[tuple[str, str, str], Payment],
) -> DoubtOf:
    payment = paid.get((row.provider, row.account, doubt.about))
    if session is None:
        return DoubtOf(doubt, dict.fromkeys(Choice, _GONE), payment)
    completed_by = (session.provider, session.account, session.provider_payment_id or "")
    case = Case(doubt, session, payment, paid.get(completed_by))
    return DoubtOf(doubt, choices(case), payment, session)
