"""Write how a subscription stood when it was read: the greatest reading counts, in any order."""

from datetime import datetime

from msgspec import Struct, structs

from service.payments.payments.operations.reported import Origin
from service.payments.subscriptions import repository
from service.payments.subscriptions.documents import Subscription, SubscriptionMove
from service.payments.subscriptions.operations.hint import Began, blank, claimed
from service.payments.subscriptions.operations.telling import tell_change
from service.payments.subscriptions.states import (
    ENDED,
    SubscriptionStatus,
    inactive_since,
    outranks,
)
from service.providers.facts import SubscriptionRead
from service.providers.subscribed import Subscribed
from service.storage.database import Row
from service.storage.transaction import Transaction


class Reading(Struct, frozen=True):
    """One answer about a subscription: by which event it came, and the session that it names.

    `payment_ids` are the provider's ids of the payments that it tells of.
    """

    origin: Origin
    fact: SubscriptionRead
    merchant_id: str
    began: Began | None = None
    payment_ids: tuple[str, ...] = ()


async def record_reading(tx: Transaction, reading: Reading, now: datetime) -> Subscription:
    """Merge a reading into its row, and tell of what became of the subscription.

    The result does not depend on the order of the calls.
    """
    origin, said = reading.origin, reading.fact.subscription
    key = (origin.provider, origin.account, said.provider_subscription_id)
    known = await repository.find(*key, tx)
    if known is None:
        row = blank(origin, reading.merchant_id, said.provider_subscription_id, now)
        await repository.insert(row, tx)
        known = Subscription.model_validate(row)
    changes = known.differing(_changes(known, reading, now))
    to = changes.get("status")
    move = _moved(known, to, origin, now) if to is not None else None
    changes |= {"updatedAt": now, "readAt": now}
    after = await repository.change(known, changes, move, tx)
    await tell_change(tx, known, after, reading.fact.read, now)
    return after


def _changes(known: Subscription, reading: Reading, now: datetime) -> Row:
    said, read = reading.fact.subscription, reading.fact.read
    answered = max(known.answered, read)
    changes: Row = {"answered": answered, "asked": max(known.asked, read)}
    changes["paymentIds"] = sorted({*known.payment_ids, *reading.payment_ids})
    status = SubscriptionStatus(said.state)
    if outranks(status, read, known.status, known.seq):
        since = inactive_since(status, known.inactive_since, said.ended_at, now)
        changes |= _said(known, said) | {"seq": read, "inactiveSince": since}
    if answered >= known.wanted or status in ENDED or known.has_ended:
        changes |= {"unread": False, "unreadSince": None}
    if reading.began is not None and known.session_id is None:
        named = claimed(reading.began, known)
        changes = named | changes | {"plan": changes.get("plan") or named["plan"]}
    return changes


def _said(known: Subscription, said: Subscribed) -> Row:
    """Return the fields of a reading as they are stored; what it leaves open stays as it is."""
    fields = structs.asdict(said)
    row: Row = {stored: fields[name] for name, stored in _FIELDS.items()}
    row["plan"] = said.plan or known.plan
    row["providerCustomerId"] = said.customer_id or known.provider_customer_id
    return row


_FIELDS = {
    "state": "status",
    "provider_status": "providerStatus",
    "provider_plan_id": "providerPlanId",
    "amount": "amount",
    "currency": "currency",
    "quantity": "quantity",
    "interval": "interval",
    "interval_count": "intervalCount",
    "current_period_start": "currentPeriodStart",
    "current_period_end": "currentPeriodEnd",
    "cancel_at_period_end": "cancelAtPeriodEnd",
    "trial_end": "trialEnd",
    "started_at": "startedAt",
    "canceled_at": "canceledAt",
    "ended_at": "endedAt",
    "latest_invoice": "latestInvoice",
    "attempts": "renewalAttempts",
}


def _moved(known: Subscription, to: str, origin: Origin, now: datetime) -> Row:
    from_ = known.status.value if known.status else None
    given: Row = {"at": now, "from": from_, "to": to, "eventId": origin.inbox_id}
    return SubscriptionMove.new_row(given)
