"""Write how a subscription stood when it was read: the greatest reading counts, in any order."""

from datetime import datetime

from msgspec import Struct, structs

from service.payments.payments.operations.reported import Origin
from service.payments.subscriptions import repository
from service.payments.subscriptions.documents import Subscription, SubscriptionMove
from service.payments.subscriptions.operations.hint import Began, blank, claimed
from service.payments.subscriptions.operations.plans import plan_of
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
from service.storage.documents import wire_name
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
    merchant_id = reading.began.merchant_id if reading.began else known.merchant_id
    plan = await plan_of(tx, known, merchant_id, said)
    changes = known.differing(_changes(known, reading, plan, now))
    move = _moved(known, changes, origin, now) if _MOVES & changes.keys() else None
    changes |= {"updatedAt": now, "readAt": now}
    after = await repository.change(known, changes, move, tx)
    await tell_change(tx, known, after, reading.fact.read, now)
    return after


def _changes(known: Subscription, reading: Reading, plan: str | None, now: datetime) -> Row:
    said, read = reading.fact.subscription, reading.fact.read
    answered = max(known.answered, read)
    changes: Row = {"answered": answered, "asked": max(known.asked, read)}
    changes["paymentIds"] = sorted({*known.payment_ids, *reading.payment_ids})
    status = SubscriptionStatus(said.state)
    if outranks(status, read, known.status, known.seq):
        since = inactive_since(status, known.inactive_since, said.ended_at, now)
        changes |= _said(known, said) | {"plan": plan, "seq": read, "inactiveSince": since}
    if answered >= known.wanted or status in ENDED or known.has_ended:
        changes |= {"unread": False, "unreadSince": None}
    if reading.began is not None and known.session_id is None:
        named = claimed(reading.began, known)
        changes = named | changes | {"plan": changes.get("plan") or named["plan"]}
    return changes


def _said(known: Subscription, said: Subscribed) -> Row:
    """Return the fields of a reading as they are stored; what it leaves open stays as it is."""
    row: Row = {
        _NAMED_OTHERWISE.get(name) or wire_name(name): value
        for name, value in structs.asdict(said).items()
        if name not in _WEIGHED
    }
    row["providerCustomerId"] = said.customer_id or known.provider_customer_id
    return row


# A provider speaks of its own state and tries; what is stored says whose they are.
_NAMED_OTHERWISE = {"state": "status", "attempts": "renewalAttempts"}
# What is stored of these depends on what was known before.
_WEIGHED = frozenset({"provider_subscription_id", "customer_id", "plan", "noted_plan"})


# What of a reading is a line of the subscription's history where it differs.
_MOVES = frozenset({"status", "plan", "currentPeriodEnd", "cancelAtPeriodEnd"})


def _moved(known: Subscription, changes: Row, origin: Origin, now: datetime) -> Row | None:
    """Return the move that a reading makes; before the first one nothing moves."""
    to = changes.get("status", known.status)
    if to is None:
        return None
    given: Row = {
        "at": now,
        "from": known.status.value if known.status else None,
        "to": to,
        "plan": changes.get("plan", known.plan),
        "periodEnd": changes.get("currentPeriodEnd", known.current_period_end),
        "ending": changes.get("cancelAtPeriodEnd", known.cancel_at_period_end),
        "eventId": origin.inbox_id,
    }
    return SubscriptionMove.new_row(given)
