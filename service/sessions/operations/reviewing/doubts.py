"""What in an event awaits a person, and which of its reviews a session names. Pure."""

from collections.abc import Iterable

from service.inbox.documents import Decision, Doubt, WebhookEvent
from service.inbox.states import InboxStatus
from service.sessions.documents import Review
from service.sessions.operations.reviewing.decisions import AWAITING_CAPTURE
from service.sessions.states import Mismatch

# The reason of a review of a payment that could not be resolved.
UNRESOLVED = "payment_unresolved"


def doubts_of(row: WebhookEvent) -> list[Doubt]:
    """Return the doubts about an event.

    A row older than the field has one: about its first payment, else its checkout.
    """
    if row.doubts or row.status is not InboxStatus.REVIEW:
        return row.doubts
    reason = row.reason or Mismatch.AMOUNT.value
    return [Doubt(about=_first_of(row), reason=reason, decision=row.decision)]


def _first_of(row: WebhookEvent) -> str:
    for fact in row.facts:
        payment = fact.get("payment")
        if isinstance(payment, dict):
            return str(payment["providerPaymentId"])
    return next((str(fact["checkoutRef"]) for fact in row.facts if "checkoutRef" in fact), row.id)


def undecided(row: WebhookEvent) -> list[Doubt]:
    """Return the doubts that nobody has decided yet."""
    if row.status is not InboxStatus.REVIEW or row.decision is not None:
        return []
    return [doubt for doubt in doubts_of(row) if doubt.decision is None]


def awaiting(row: WebhookEvent) -> list[Doubt]:
    """Return the doubts that were accepted and await a capture."""
    return [one for one in row.doubts if one.decision is not None and one.decision.awaiting]


def decide_on(row: WebhookEvent, about: str, decision: Decision | None) -> WebhookEvent:
    """Return a row with a decision about one payment, or with that decision withdrawn.

    The row itself is decided once all of its doubts are, and for good.
    """
    doubts = [
        one.model_copy(update={"decision": decision}) if one.about == about else one
        for one in doubts_of(row)
    ]
    final = all(one.decision is not None and not one.decision.awaiting for one in doubts)
    fields = {"doubts": doubts, "decision": decision if final else None}
    decided: WebhookEvent = row.model_copy(update=fields)
    return decided


def named_of(rows: Iterable[WebhookEvent]) -> Review | None:
    """Return the review that a session names: the undecided one with the smallest id.

    If there is none, one that was accepted and awaits its capture.
    """
    ordered = sorted(rows, key=lambda row: row.id)
    for row in ordered:
        for doubt in undecided(row):
            return Review(reason=doubt.reason, event_id=row.id, at=row.received_at)
    for row in ordered:
        for doubt in awaiting(row):
            at = doubt.decision.at if doubt.decision else row.received_at
            return Review(reason=AWAITING_CAPTURE, event_id=row.id, at=at)
    return None
