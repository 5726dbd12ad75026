"""Subscriptions over HTTP: how they stand, and what a user or a server changes of them."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope, Kind, Principal
from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.errors import SubscriptionOfAnother, wrong_field
from service.payments.subscriptions.operations.browse import (
    current_subscription,
    find_subscription,
    list_subscriptions,
    payments_of,
)
from service.payments.subscriptions.operations.changes import Change
from service.payments.subscriptions.repository import SubscriptionFilter
from service.payments.subscriptions.schemas import (
    CancelSubscription,
    ChangePlan,
    ReactivateSubscription,
    SubscriptionAnswer,
    SubscriptionsAnswer,
    SubscriptionStatusAnswer,
    status_answer,
    subscription_view,
)
from service.payments.subscriptions.sending.change import change_subscription
from service.payments.subscriptions.sending.read import read_if_unread
from service.payments.subscriptions.sending.services import SubscriptionServices
from service.payments.subscriptions.states import SubscriptionStatus
from service.web.authentication import AnyRequest, CurrentPrincipal, on_behalf_of, requires
from service.web.idempotency.middleware import IDEMPOTENT
from service.web.parameters import (
    PAGE_SIZE,
    MerchantQuery,
    OneUserQuery,
    PageCursor,
    PageLimit,
    UserQuery,
)

SubscriptionId = Annotated[str, PathParameter(max_length=255, description="The provider's id.")]
_CHANGES = {**requires(AccessScope.SUBSCRIPTIONS_WRITE), IDEMPOTENT: True}


def subscribing_of(request: AnyRequest) -> SubscriptionServices:
    """Return what all that subscriptions share, from the application's state."""
    services: SubscriptionServices = request.app.state.subscribing
    return services


class Subscriptions(Controller):
    """Subscriptions, their renewals and their end."""

    tags = ["Subscriptions"]

    @get(
        "/api/payment/subscription-status",
        opt=requires(AccessScope.SUBSCRIPTIONS_READ),
        operation_id="readSubscriptionStatus",
        summary="Read how a user's subscription stands",
    )
    async def status(
        self, request: AnyRequest, principal: CurrentPrincipal, user_id: OneUserQuery = None
    ) -> SubscriptionStatusAnswer:
        """The latest that has not ended, else the latest; a user's own, a key's of any user."""
        of_user = principal.kind is Kind.USER
        if of_user and user_id not in {None, principal.user_id}:
            raise SubscriptionOfAnother
        named = principal.user_id if of_user else user_id
        if not named:
            raise wrong_field("userId", "is required")
        found = await current_subscription(principal.merchant_id, named, own=of_user)
        if found is None:
            return status_answer(None, [])
        read = await read_if_unread(found, subscribing_of(request))
        return status_answer(read, await payments_of(read))

    @get(
        "/api/subscriptions",
        opt=requires(AccessScope.SUBSCRIPTIONS_READ),
        operation_id="listSubscriptions",
        summary="List subscriptions",
    )
    async def list_all(
        self,
        principal: CurrentPrincipal,
        status: Annotated[SubscriptionStatus | None, QueryParameter(name="status")] = None,
        user_id: UserQuery = None,
        merchant: MerchantQuery = None,
        limit: PageLimit = PAGE_SIZE,
        cursor: PageCursor = None,
    ) -> SubscriptionsAnswer:
        """Newest first, also those that were not read yet; a user's own alone."""
        if principal.kind is Kind.USER:
            if user_id not in {None, principal.user_id}:
                raise SubscriptionOfAnother
            user_id = principal.user_id
        found, following = await list_subscriptions(
            on_behalf_of(principal, merchant).merchant_id,
            SubscriptionFilter(status, user_id, own=principal.kind is Kind.USER),
            cursor=cursor_of(cursor),
            limit=limit,
        )
        views = [subscription_view(one) for one in found]
        return SubscriptionsAnswer(views, next_cursor(following))

    @get(
        "/api/subscriptions/{subscription_id:str}",
        opt=requires(AccessScope.SUBSCRIPTIONS_READ),
        operation_id="readSubscription",
        summary="Read a subscription",
    )
    async def read(
        self, subscription_id: SubscriptionId, principal: CurrentPrincipal, request: AnyRequest
    ) -> SubscriptionStatusAnswer:
        """By its provider's id, with its payments."""
        found = await _found(subscription_id, principal)
        read = await read_if_unread(found, subscribing_of(request))
        return status_answer(read, await payments_of(read))

    @post(
        "/api/payment/cancel-subscription",
        opt=_CHANGES,
        status_code=200,
        operation_id="cancelSubscription",
        summary="Cancel a subscription",
    )
    async def cancel(
        self, data: JSONBody[CancelSubscription], principal: CurrentPrincipal, request: AnyRequest
    ) -> SubscriptionAnswer:
        """With its period unless `atPeriodEnd` is false; again the same is no error."""
        what = Change("cancel_at_period_end" if data.at_period_end else "cancel_now")
        return await _changed(data, what, principal, request)

    @post(
        "/api/payment/reactivate-subscription",
        opt=_CHANGES,
        status_code=200,
        operation_id="reactivateSubscription",
        summary="Let a subscription go on",
    )
    async def reactivate(
        self,
        data: JSONBody[ReactivateSubscription],
        principal: CurrentPrincipal,
        request: AnyRequest,
    ) -> SubscriptionAnswer:
        """One that was to end with its period, or that is paused; again the same is no error."""
        return await _changed(data, Change("reactivate"), principal, request)

    @post(
        "/api/payment/change-plan",
        opt=_CHANGES,
        status_code=200,
        operation_id="changePlan",
        summary="Change a subscription's plan",
    )
    async def change_plan(
        self, data: JSONBody[ChangePlan], principal: CurrentPrincipal, request: AnyRequest
    ) -> SubscriptionAnswer:
        """What was paid for the rest of the period counts, as the provider reckons it."""
        return await _changed(data, Change("change_plan", data.plan), principal, request)


async def _found(subscription_id: str, by: Principal) -> Subscription:
    user_id = by.user_id if by.kind is Kind.USER else None
    return await find_subscription(by.merchant_id, subscription_id, user_id)


async def _changed(
    data: CancelSubscription | ReactivateSubscription | ChangePlan,
    change: Change,
    by: Principal,
    request: AnyRequest,
) -> SubscriptionAnswer:
    change = Change(change.what, change.plan, data.reason)
    found = await _found(data.subscription_id, by)
    changed = await change_subscription(found, change, by, subscribing_of(request))
    return SubscriptionAnswer(subscription_view(changed))
