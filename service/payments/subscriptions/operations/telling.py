"""Tell whoever hears subscriptions what became of one."""

from datetime import datetime

from service.core.strict_json import JsonObject
from service.outbox import repository as messages
from service.outbox.operations import messages as outbox
from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.states import INACTIVE
from service.storage.database import Row
from service.storage.transaction import Transaction


async def tell_change(
    tx: Transaction, before: Subscription, after: Subscription, read: int, now: datetime
) -> None:
    """Write what became of a subscription: its new state, and once that it is inactive now.

    `read` is the number of the reading that said so. A merchant whose it turns out to be is told
    how it stands: all was told to another one until then.
    """
    moved = after.merchant_id != before.merchant_id
    if after.status is None or (after.status is before.status and not moved):
        return
    topics = [f"subscription.{after.status.value}"]
    if after.status in INACTIVE and (moved or before.status not in INACTIVE):
        topics.append("subscription.inactive")
    rows = [_message(topic, after, read, now) for topic in topics]
    await messages.add_once(rows, tx)


def _message(topic: str, after: Subscription, read: int, now: datetime) -> Row:
    key = f"{after.provider}:{after.account}:{after.provider_subscription_id}:{read}"
    return outbox.message(
        topic,
        f"{after.merchant_id}:{key}",
        merchant_id=after.merchant_id,
        session_id=after.session_id or "",
        payload=_payload_of(after),
        now=now,
    )


def _payload_of(subscription: Subscription) -> JsonObject:
    """Return what the messages about a subscription say."""
    ends, since = subscription.current_period_end, subscription.inactive_since
    opened_at = subscription.session_opened_at
    return {
        "subscriptionId": subscription.provider_subscription_id,
        "provider": subscription.provider,
        "sessionOpenedAt": opened_at.isoformat() if opened_at else None,
        "userId": subscription.user_id,
        "plan": subscription.plan,
        "status": subscription.status.value if subscription.status else None,
        "cancelAtPeriodEnd": subscription.cancel_at_period_end,
        "currentPeriodEnd": ends.isoformat() if ends else None,
        "inactiveSince": since.isoformat() if since else None,
    }
