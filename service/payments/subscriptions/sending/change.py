"""Change a subscription while somebody waits: claimed first, then asked for, then read."""

from collections.abc import Awaitable, Callable
from functools import partial

from service.core.errors import NotOffered, ProviderFailed
from service.core.principal import Principal
from service.payments.subscriptions import repository
from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.errors import (
    ChangeNotOffered,
    ChangeRefused,
    asked_too_often,
    unknown_plan,
)
from service.payments.subscriptions.operations.changes import (
    Change,
    came_about,
    check_currency,
    claim,
    is_made,
)
from service.payments.subscriptions.operations.plans import check_price, plans_for
from service.payments.subscriptions.sending.read import ASK_WITHIN_S, read, read_again
from service.payments.subscriptions.sending.services import SubscriptionServices
from service.providers.subscribing import Subscribes
from service.storage.answering import answers_in_time
from service.storage.plain import in_transaction


async def change_subscription(
    found: Subscription, change: Change, by: Principal, services: SubscriptionServices
) -> Subscription:
    """Change a subscription and return it as its provider then says that it stands.

    It is read before: an event that told of a change of it may be late or lost, and whoever is told
    that it ends already is charged again. Raises `SubscriptionEnded`, `SubscriptionUnpaid`,
    `SamePlan`, `OtherCurrency`, `Busy`, `ChangeNotOffered`, `ChangeRefused`, `ProviderFailed`, and
    `TooManyRequests`: what changes nothing is read for as well, and no user has it read for ever.
    """
    provider = services.provider_of(found)
    if not services.may_ask(found, by.key_id):
        raise asked_too_often()
    subscription = found if found.has_ended else await read(found, services)
    if is_made(subscription, change):
        return subscription
    price = await _price_of(subscription, change, provider)
    now = services.clock.now()
    claimed = await in_transaction(
        partial(claim, found=subscription, change=change, by=by, now=now)
    )
    if claimed is None or claimed.changing is None:
        return await read_again(subscription)
    after = None
    try:
        await _ask(partial(_send, provider, claimed, change, price), claimed, change, services)
        after = await read(claimed, services, ASK_WITHIN_S)
        return after
    finally:
        async with answers_in_time():
            unknown_since = services.clock.now() if after is None else None
            await repository.end_change(claimed, claimed.changing.id, unknown_since)


async def _price_of(subscription: Subscription, change: Change, provider: Subscribes) -> str:
    """Return the provider's price of the plan that is changed to; nothing where none is."""
    if change.plan is None:
        return ""
    async with answers_in_time():
        price = (await plans_for(subscription, provider)).get(change.plan)
        await check_currency(subscription, change.plan)
    if price is None:
        raise unknown_plan(change.plan, subscription.provider)
    await check_price(subscription, change.plan, await provider.read_price(price))
    return price


async def _ask(
    send: Callable[[], Awaitable[None]],
    claimed: Subscription,
    change: Change,
    services: SubscriptionServices,
) -> None:
    """Ask the provider for a change; after a refusal it is read what stands in its way."""
    try:
        await send()
    except NotOffered as error:
        raise ChangeNotOffered(error.message) from error
    except ProviderFailed as error:
        if not error.definite:
            raise
        stands = await read(claimed, services, ASK_WITHIN_S)
        if not came_about(stands, change) and not is_made(stands, change):
            raise ChangeRefused(error.message) from error


async def _send(provider: Subscribes, claimed: Subscription, change: Change, price: str) -> None:
    subscription_id = claimed.provider_subscription_id
    match change.what:
        case "cancel_now":
            await provider.cancel_subscription(subscription_id, at_period_end=False)
        case "cancel_at_period_end":
            await provider.cancel_subscription(subscription_id, at_period_end=True)
        case "reactivate":
            await provider.reactivate_subscription(subscription_id)
        case "change_plan":
            # One key for each claim: a repetition within it charges nothing twice.
            key = f"tillgate:{subscription_id}:{claimed.changing.id if claimed.changing else ''}"
            await provider.change_plan(subscription_id, change.plan or "", price, key)
