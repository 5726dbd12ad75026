"""Find subscriptions for who may see them."""

from datetime import datetime

from msgspec import Struct

from service.core.paging import Cursor
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.subscriptions import repository
from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.errors import SubscriptionNotFound
from service.payments.subscriptions.repository import SubscriptionFilter
from service.storage.answering import answers_in_time

_PAYMENTS_SHOWN = 100


class Standing(Struct, frozen=True):
    """A user's subscription, None where there is none, with its payments, the latest first."""

    subscription: Subscription | None
    payments: list[Payment]


async def find_subscription(
    merchant_id: str, subscription_id: str, user_id: str | None
) -> Subscription:
    """Find a merchant's subscription, of a user only an own one.

    Raises `SubscriptionNotFound`.
    """
    async with answers_in_time():
        found = await repository.find_named(merchant_id, subscription_id)
    for one in found:
        if user_id is None or one.is_own(user_id):
            return one
    raise SubscriptionNotFound(subscription_id)


async def find_by_any_id(merchant_id: str, any_id: str) -> list[Subscription]:
    """Find a merchant's subscriptions by their provider's id, or by that of their session."""
    async with answers_in_time():
        found = await repository.find_named(merchant_id, any_id)
        return found or await repository.of_session(merchant_id, any_id)


async def current_subscription(merchant_id: str, user_id: str, *, own: bool) -> Subscription | None:
    """Return a user's subscription: the latest that has not ended, else the latest of all.

    What a browser has opened in the user's name hides none that a server or the user has; `own`
    leaves it out.
    """
    async with answers_in_time():
        found = await repository.of_user(merchant_id, user_id)
    seen = [one for one in found if one.is_own(user_id)]
    if not own:
        seen += [one for one in found if not one.is_own(user_id)]
    return next((one for one in seen if not one.has_ended), seen[0] if seen else None)


async def begun_by(merchant_id: str, session_id: str, opened_at: datetime) -> Subscription | None:
    """Return the subscription that a session began, None where it has begun none."""
    async with answers_in_time():
        found = await repository.of_session(merchant_id, session_id, opened_at)
    return found[0] if found else None


async def payments_of(subscription: Subscription) -> list[Payment]:
    """Return the payments of a subscription, the latest first: 100 at most."""
    if not subscription.payment_ids:
        return []
    async with answers_in_time():
        found = await payments.find_many(
            subscription.provider, subscription.account, subscription.payment_ids
        )
    own = [one for one in found if one.merchant_id == subscription.merchant_id]
    own.sort(key=lambda one: (one.created_at, one.id), reverse=True)
    return own[:_PAYMENTS_SHOWN]


async def list_subscriptions(
    merchant_id: str, filters: SubscriptionFilter, *, cursor: Cursor | None, limit: int
) -> tuple[list[Subscription], Cursor | None]:
    """List a merchant's subscriptions, newest first."""
    async with answers_in_time():
        return await repository.page(merchant_id, filters, cursor=cursor, limit=limit)
