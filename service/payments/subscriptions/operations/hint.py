"""Note that something became of a subscription: what, only reading it tells."""

from datetime import datetime

from msgspec import Struct

from service.outbox import repository as messages
from service.outbox.operations import messages as outbox
from service.payments.payments.operations.reported import Origin
from service.payments.subscriptions import repository
from service.payments.subscriptions.documents import Changing, Subscription
from service.payments.subscriptions.operations.telling import tell_change
from service.storage.database import Row
from service.storage.transaction import Transaction

READ = "provider.read_subscription"
"""The topic of the message that has a subscription read."""


class Began(Struct, frozen=True):
    """The session that began a subscription."""

    merchant_id: str
    session_id: str
    opened_at: datetime
    owner: str
    user_id: str
    plan: str | None


class Hint(Struct, frozen=True):
    """What an event says of a subscription; `payment_id` is the provider's id of one of its."""

    provider_subscription_id: str
    began: Began | None = None
    customer_id: str | None = None
    payment_id: str | None = None


async def note_hint(
    tx: Transaction, origin: Origin, merchant_id: str, hint: Hint, now: datetime
) -> None:
    """Mark a subscription as to be read, and have it read once for all hints until then.

    Of one that has ended nothing can become any more.
    """
    key = (origin.provider, origin.account, hint.provider_subscription_id)
    known = await repository.find(*key, tx)
    if known is None:
        row = blank(origin, merchant_id, hint.provider_subscription_id, now)
        row |= named_by(None, hint) | {"wanted": 1, "unread": True, "unreadSince": now}
        await repository.insert(row, tx)
        await have_read(tx, Subscription.model_validate(row), now)
        return
    changes = named_by(known, hint)
    if not known.has_ended:
        changes |= marked(known, now)
    changes = known.differing(changes)
    if not changes:
        return
    after = await repository.change(known, changes | {"updatedAt": now}, None, tx)
    await tell_change(tx, known, after, after.seq, now)
    if "wanted" in changes:
        await have_read(tx, after, now)


def blank(origin: Origin, merchant_id: str, subscription_id: str, now: datetime) -> Row:
    """Make the row of a subscription of which nothing is known but that it is there."""
    return Subscription.new_row(
        {
            "merchantId": merchant_id,
            "provider": origin.provider,
            "account": origin.account,
            "live": origin.live,
            "providerSubscriptionId": subscription_id,
            "createdAt": now,
            "updatedAt": now,
        }
    )


def marked(known: Subscription, now: datetime) -> Row:
    """Return what says that a reading is wanted which is sent after this."""
    since = known.unread_since if known.unread else now
    return {"wanted": known.asked + 1, "unread": True, "unreadSince": since}


def named_by(known: Subscription | None, hint: Hint) -> Row:
    """Return what the first that names a subscription's session and customer fills in."""
    fields: Row = {}
    if hint.payment_id is not None:
        ids = {*(known.payment_ids if known else ()), hint.payment_id}
        fields["paymentIds"] = sorted(ids)
    if hint.customer_id is not None and (known is None or known.provider_customer_id is None):
        fields["providerCustomerId"] = hint.customer_id
    if hint.began is not None and (known is None or known.session_id is None):
        fields |= claimed(hint.began, known)
    return fields


def claimed(began: Began, known: Subscription | None) -> Row:
    """Return the fields of the session that began a subscription."""
    return {
        "merchantId": began.merchant_id,
        "sessionId": began.session_id,
        "sessionOpenedAt": began.opened_at,
        "owner": began.owner,
        "userId": began.user_id,
        "plan": (known.plan if known else None) or began.plan,
    }


async def have_read(
    tx: Transaction,
    subscription: Subscription,
    now: datetime,
    changing: Changing | None = None,
) -> None:
    """Write the message that has a subscription read: one for each reading that is wanted.

    That of a change is one of its own, and comes once that is over: whatever was read meanwhile,
    what the change has made is not known by that.
    """
    key = (subscription.provider, subscription.account, subscription.provider_subscription_id)
    row = outbox.message(
        READ,
        f"{':'.join(key)}:{changing.id if changing else subscription.wanted}",
        merchant_id=subscription.merchant_id,
        session_id=subscription.session_id or "",
        payload=dict(zip(("provider", "account", "subscriptionId"), key, strict=True)),
        now=now,
    )
    await messages.add_once([row | {"heldUntil": changing.until if changing else None}], tx)
