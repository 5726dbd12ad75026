"""What waits for a decision, in words. Pure."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from service.core.principal import AccessScope, Principal
from service.core.words import moment
from service.dashboard import money
from service.dashboard.said import shortened
from service.reviews.operations.browse import DoubtOf, ReviewOf
from service.reviews.operations.choices import Choice
from service.sessions.operations.reviewing.decisions import AWAITING_CAPTURE
from service.sessions.operations.reviewing.doubts import UNRESOLVED
from service.sessions.states import Mismatch

LONGEST_ID = 80

_REASONS: Mapping[str, str] = {
    Mismatch.ACCOUNT: "Paid in another account of the provider than ours",
    Mismatch.MODE: "Paid in test mode, or the other way round",
    Mismatch.CURRENCY: "Paid in another currency",
    Mismatch.AMOUNT: "Another amount than the session's",
    Mismatch.PARTIAL: "Only a part was paid",
    Mismatch.NOT_FREE: "Completed without a payment, which was due",
    Mismatch.SECOND: "Paid twice",
    Mismatch.AFTER_REJECTION: "Paid after it was rejected",
    Mismatch.ANOTHERS: "A payment of another session",
    Mismatch.FOREIGN: "Paid in a checkout that is not ours",
    UNRESOLVED: "Nobody could tell what came of it",
    AWAITING_CAPTURE: "Accepted; the money is being captured",
}
_NAMES: Mapping[Choice, tuple[str, str]] = {
    Choice.ACCEPT: ("Accept", "primary"),
    Choice.REJECT: ("Reject", ""),
    Choice.REJECT_AND_REFUND: ("Reject and refund", "danger"),
    Choice.SAME_MONEY: ("Same money as entered by hand", ""),
}
_GIVES_BACK = {Choice.REJECT_AND_REFUND}


class Button(Struct, frozen=True):
    """A decision: its word in the form, its name, and what it would do."""

    choice: str
    name: str
    kind: str
    does: str


class ReviewLine(Struct, frozen=True):
    """A payment in doubt, why, and what can be decided; `refuses` says why something can't."""

    event_id: str
    about: str
    why: str
    provider: str
    session: str | None
    session_id: str
    payment: str
    amounts: Sequence[tuple[str, str]]
    at: str
    buttons: Sequence[Button]
    refuses: Sequence[tuple[str, str]]
    partly: bool


def review_lines(review: ReviewOf, reader: Principal) -> list[ReviewLine]:
    """Return a line for each payment that a review doubts."""
    return [_line(review, one, reader) for one in review.doubts]


def _amounts(of: DoubtOf) -> list[tuple[str, str]]:
    """Return what was paid, and what the session asks for."""
    paid, session = of.payment, of.session
    found: list[tuple[str, str]] = []
    if paid is not None:
        amount = money.price(paid.amount, paid.provider, paid.currency)
        found.append(("Amount", f"{amount}, {paid.status.value}"))
    if session is not None:
        wanted = money.price(session.amount, session.provider, session.currency)
        found.append(("Asked for", f"{wanted}, {session.status.value}"))
    return found


def _line(review: ReviewOf, of: DoubtOf, reader: Principal) -> ReviewLine:
    row, doubt = review.row, of.doubt
    awaits = doubt.decision is not None and doubt.decision.awaiting
    reason = AWAITING_CAPTURE if awaits else doubt.reason
    decides = AccessScope.REVIEWS_DECIDE in reader.scopes
    refunds = AccessScope.REFUNDS_APPROVE in reader.scopes
    may = {one for one in Choice if decides and (refunds or one not in _GIVES_BACK)}
    possible = [one for one, look in of.outlooks.items() if look.possible and one in may]
    return ReviewLine(
        event_id=row.id,
        about=doubt.about,
        why=_REASONS.get(reason, shortened(reason.replace("_", " "), LONGEST_ID)),
        provider=money.title_of(row.provider),
        session=money.session_link(row.session_id),
        session_id=shortened(row.session_id or "", LONGEST_ID),
        payment=shortened(doubt.about, LONGEST_ID),
        amounts=_amounts(of),
        at=moment(row.received_at),
        buttons=[Button(one.value, *_NAMES[one], of.outlooks[one].words) for one in possible],
        refuses=[
            (_NAMES[one][0], look.words)
            for one, look in of.outlooks.items()
            if not look.possible and one is not Choice.SAME_MONEY
        ],
        partly=refunds and Choice.ACCEPT in possible and doubt.reason == Mismatch.AMOUNT,
    )
