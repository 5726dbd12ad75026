"""How the facts about one dispute add up, whatever order they arrive in. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from service.payments.payments.states import as_number
from service.providers.facts import DisputeUpdated, Movement


class DisputeStatus(StrEnum):
    """Where a dispute stands. An `inquiry` asks and moves no money; `closed` came to nothing."""

    INQUIRY = "inquiry"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    CLOSED = "closed"
    WON = "won"
    LOST = "lost"


OPEN = frozenset({DisputeStatus.INQUIRY, DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW})

# The providers' own words, of facts that were stored before these were translated.
_OLDER = {
    "warning_needs_response": DisputeStatus.INQUIRY,
    "warning_under_review": DisputeStatus.INQUIRY,
    "warning_closed": DisputeStatus.CLOSED,
    "charge_refunded": DisputeStatus.CLOSED,
    "prevented": DisputeStatus.CLOSED,
    "open": DisputeStatus.NEEDS_RESPONSE,
    "action_required": DisputeStatus.NEEDS_RESPONSE,
}

# Razorpay's phases: a dispute that was won may be taken up again. Stripe names none, and an inquiry
# of its may become a dispute of money.
_PHASES = {"chargeback": 1, "pre_arbitration": 2, "arbitration": 3}
_MONEY = 1
# Stripe's words where a bank is asked again about a dispute that was lost.
_APPEALS = frozenset({"appeal_needs_response", "appeal_under_review"})
_WITHIN_A_SECOND = {
    DisputeStatus.INQUIRY: 0,
    DisputeStatus.NEEDS_RESPONSE: 1,
    DisputeStatus.UNDER_REVIEW: 2,
    DisputeStatus.CLOSED: 0,
    DisputeStatus.WON: 1,
    DisputeStatus.LOST: 2,
}


def status_reported(word: str) -> DisputeStatus:
    """Return the state that a word means; one that nobody knows waits for an answer of ours."""
    if word in _OLDER:
        return _OLDER[word]
    known = {status.value for status in DisputeStatus}
    return DisputeStatus(word) if word in known else DisputeStatus.NEEDS_RESPONSE


def place_of(fact: DisputeUpdated, at: datetime) -> int:
    """Return the place of a fact in the order in which the greatest stands.

    A later phase counts more than an earlier one, and in a phase its end more than what stands
    open. What is open goes back and forth, and what ended may be decided anew, so there the
    provider's time decides; within a second the more final state.
    """
    status = status_reported(fact.status)
    asks = fact.inquiry or status is DisputeStatus.INQUIRY
    phase = 0 if asks else _PHASES.get(fact.phase or "", _MONEY)
    ended = status not in OPEN or fact.provider_status in _APPEALS
    return as_number((2 * phase + ended, at, _WITHIN_A_SECOND[status]))


def withdrawn_by(
    movements: Iterable[Movement], deducted: int | None, amount: int, currency: str
) -> int | None:
    """Return how much of a disputed amount is withdrawn by now; None where nobody said.

    In minor units of the dispute's currency. What moved in another one moved the whole: the rates
    of its two days are not the dispute's.
    """
    moved = list(movements)
    if not moved:
        return deducted
    net = -sum(one.amount for one in moved)
    if any(one.currency != currency for one in moved):
        return amount if net > 0 else 0
    return max(net, 0)


def held_by(status: DisputeStatus, withdrawn: int | None, amount: int) -> int:
    """Return how much of its payment a dispute holds or has taken, in minor units.

    Also what was not withdrawn yet, while it may be. What was lost is gone, whether its movements
    are known or not; an inquiry holds nothing.
    """
    if status in {DisputeStatus.WON, DisputeStatus.CLOSED}:
        return 0
    if status is DisputeStatus.LOST:
        return amount if withdrawn is None else withdrawn
    return withdrawn or (0 if status is DisputeStatus.INQUIRY else amount)


_REMINDERS = (24, 72)
FIRST_REMINDER = timedelta(hours=max(_REMINDERS))
"""How long before its deadline a dispute is first reminded of."""

UNANSWERED = frozenset({DisputeStatus.INQUIRY, DisputeStatus.NEEDS_RESPONSE})


def reminder_due(status: DisputeStatus, respond_by: datetime | None, now: datetime) -> int | None:
    """Return how many hours before its deadline a dispute is by now, of those at which it is told.

    None where it is further off, over, or waits for no answer.
    """
    if status not in UNANSWERED or respond_by is None or respond_by <= now:
        return None
    left = respond_by - now
    return next((hours for hours in _REMINDERS if left <= timedelta(hours=hours)), None)
