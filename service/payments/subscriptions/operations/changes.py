"""Changes of a subscription: whether one can be made, and who makes it."""

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from service.audit.operations import Act, record
from service.catalog import repository as catalog
from service.core.errors import Busy
from service.core.ids import new_id
from service.core.principal import Principal
from service.payments.subscriptions import repository
from service.payments.subscriptions.documents import Changing, Subscription
from service.payments.subscriptions.errors import (
    OtherCurrency,
    SamePlan,
    SubscriptionEnded,
    SubscriptionNotRead,
    SubscriptionUnpaid,
)
from service.payments.subscriptions.operations.hint import have_read, marked
from service.payments.subscriptions.states import INACTIVE, SubscriptionStatus
from service.storage.transaction import Transaction

What = Literal["cancel_now", "cancel_at_period_end", "reactivate", "change_plan"]

# A provider answers in ten seconds or never; after this somebody else may change it.
HELD_FOR = timedelta(seconds=60)


class Change(Struct, frozen=True):
    """One change of a subscription that somebody asks for; `plan` is the new one."""

    what: What
    plan: str | None = None
    reason: str | None = None


def is_made(subscription: Subscription, change: Change) -> bool:
    """Return whether a subscription stands already as a change would have it.

    Raises `SubscriptionNotRead` before the first reading, `SubscriptionEnded`, `SubscriptionUnpaid`
    where no call makes it active again, and `SamePlan`: whoever changes a plan twice is told so.
    """
    status = subscription.status
    if status is None:
        raise SubscriptionNotRead(subscription.provider_subscription_id)
    if subscription.has_ended:
        raise SubscriptionEnded(subscription.provider_subscription_id, status)
    if change.what == "cancel_at_period_end":
        return subscription.cancel_at_period_end
    if change.what == "reactivate":
        return _goes_on(subscription, status)
    if change.plan is not None and change.plan == subscription.plan:
        raise SamePlan(change.plan)
    return False


def _goes_on(subscription: Subscription, status: SubscriptionStatus) -> bool:
    if subscription.cancel_at_period_end or status is SubscriptionStatus.PAUSED:
        return False
    if status in INACTIVE:
        raise SubscriptionUnpaid(subscription.provider_subscription_id, status)
    return True


def came_about(subscription: Subscription, change: Change) -> bool:
    """Return whether a subscription stands, once it was asked for, as a change would have it."""
    match change.what:
        case "cancel_now":
            return subscription.has_ended
        case "change_plan":
            return not subscription.has_ended and subscription.plan == change.plan
        case _:
            return is_made(subscription, change)


async def check_currency(subscription: Subscription, plan: str) -> None:
    """Refuse a plan that the catalog has prices of, but none in the subscription's currency."""
    currency = subscription.currency
    listed = await catalog.list_prices(subscription.merchant_id)
    currencies = {one.currency for one in listed if one.item == plan and one.pass_id is None}
    if currency is not None and currencies and currency not in currencies:
        raise OtherCurrency(plan, currency)


async def claim(
    tx: Transaction, found: Subscription, change: Change, by: Principal, now: datetime
) -> Subscription | None:
    """Claim a subscription for a change, with an entry in the trail; None where it is made already.

    It is marked as to be read, by a message that comes once this is over: whatever becomes of the
    process that asks, what the provider made of it is learned. Raises `Busy` while another change
    is under way, and as `is_made` does.
    """
    key = (found.provider, found.account, found.provider_subscription_id)
    subscription = await repository.find(*key, tx) or found
    if subscription.changing is None and is_made(subscription, change):
        return None
    changing = Changing(id=new_id("chg"), what=change.what, until=now + HELD_FOR)
    row = changing.model_dump(by_alias=True)
    changes = marked(subscription, now) | {"updatedAt": now}
    claimed = await repository.begin_change(subscription, row, changes, now, tx)
    if claimed is None:
        raise Busy(
            "Another change of this subscription is under way; look at it again in some seconds.",
            retry_after=5,
        )
    act = Act(
        f"subscription.{change.what}",
        f"subscription:{subscription.provider_subscription_id}",
        change.reason,
        {"provider": subscription.provider, "plan": subscription.plan, "to": change.plan},
    )
    await record(tx, by, act, now)
    await have_read(tx, claimed, now, changing)
    return claimed
