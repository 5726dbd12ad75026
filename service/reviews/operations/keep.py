"""Keep a decision: on the reviews of its payment, and in the session."""

from datetime import datetime

from service.core.principal import Principal
from service.inbox import repository
from service.inbox.documents import Decision, WebhookEvent
from service.inbox.operations.inbox import Inbox
from service.inbox.operations.keeping import strip_row
from service.reviews.operations.choices import REJECTIONS, Case, Choice, Wish
from service.reviews.operations.outcomes import awaits, has_come
from service.sessions.documents import Decided
from service.sessions.operations.reviewing.doubts import decide_on, named_of
from service.storage.database import Row
from service.storage.transaction import Transaction


def decision_of(wish: Wish, case: Case, by: Principal, now: datetime) -> Decision:
    """Return a decision as its review keeps it."""
    return Decision(
        accepted=wish.choice not in REJECTIONS,
        verdict=wish.verdict,
        at=now,
        by=by.label,
        reason=wish.reason,
        awaiting=wish.choice is Choice.ACCEPT and awaits(case),
    )


async def keep_decision(
    tx: Transaction, case: Case, decision: Decision, inbox: Inbox
) -> list[WebhookEvent]:
    """Keep it on all that waits of the payment: a provider reports one several times.

    Returns the session's reviews as they then stand.
    """
    session, about = case.session, case.doubt.about
    waiting = await repository.open_reviews_of(session.merchant_id, session.session_id, tx)
    after = [_decided(row, about, decision) for row in waiting]
    for row, changed in zip(waiting, after, strict=True):
        if changed is not row:
            await repository.write_review(
                strip_row(changed, inbox), decision.at + inbox.keep_for, tx
            )
    return [row for row in after if row.decision is None]


def _decided(row: WebhookEvent, about: str, decision: Decision) -> WebhookEvent:
    changed = decide_on(row, about, decision)
    return changed if changed.doubts != row.doubts else row


def decided_fields(wish: Wish, case: Case, waiting: list[WebhookEvent], now: datetime) -> Row:
    """Return what any decision writes into the session: itself, and the next review."""
    about = case.doubt.about
    decided = Decided(payment_id=about, verdict=wish.verdict, at=now, paid=has_come(case))
    others = [one for one in case.session.decisions if one.payment_id != about]
    named = named_of(waiting)
    return {
        "decisions": [one.model_dump(by_alias=True) for one in (*others, decided)],
        "review": named.model_dump(by_alias=True) if named else None,
    }
