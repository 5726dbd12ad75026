"""What goes over the wire about subscriptions."""

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from service.core.views import view_of
from service.payments.payments.documents import Payment
from service.payments.payments.states import PaymentStatus
from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.states import SubscriptionStatus
from service.providers.subscribed import Interval
from service.web.fields import LongText, Text
from service.web.wire import WireModel


class CancelSubscription(WireModel):
    """Ends a subscription: with the period that is paid for, or now."""

    example: ClassVar = {"subscriptionId": "sub_docs1", "atPeriodEnd": True}

    subscription_id: Text
    at_period_end: bool = True
    reason: LongText | None = None


class ReactivateSubscription(WireModel):
    """Lets a subscription go on that was to end with its period, or that is paused."""

    example: ClassVar = {"subscriptionId": "sub_docs1"}

    subscription_id: Text
    reason: LongText | None = None


class ChangePlan(WireModel):
    """Changes a subscription to another plan, with the provider's proration."""

    example: ClassVar = {"subscriptionId": "sub_docs1", "plan": "premium"}

    subscription_id: Text
    plan: Text
    reason: LongText | None = None


class SubscriptionView(Struct, frozen=True, rename="camel", kw_only=True):
    """A subscription as its provider last said that it stands. Times are UTC.

    `subscriptionId` is the provider's. A period costs `amount`, in minor units of `currency`, and
    is `intervalCount` intervals long. `status` is null until the provider was read for the first
    time, and `unread` while something became of the subscription since it was read. `inactiveSince`
    is since when what was subscribed to may be stopped; null while it may not.
    `nextTry` is when a renewal that failed is tried again, where the provider says so.
    `cancellationReason` is the provider's word for why it was canceled, or is to be.
    """

    subscription_id: str
    provider: str
    live: bool | None
    session_id: str | None
    user_id: str | None
    provider_customer_id: str | None
    plan: str | None
    provider_plan_id: str | None
    status: SubscriptionStatus | None
    provider_status: str | None
    amount: int | None
    currency: str | None
    quantity: int
    interval: Interval | None
    interval_count: int
    current_period_start: datetime | None
    current_period_end: datetime | None
    cancel_at_period_end: bool
    next_renewal: datetime | None
    renewal_attempts: int
    next_try: datetime | None
    trial_end: datetime | None
    started_at: datetime | None
    canceled_at: datetime | None
    ended_at: datetime | None
    cancellation_reason: str | None
    inactive_since: datetime | None
    latest_invoice: str | None
    unread: bool
    read_at: datetime | None
    created_at: datetime
    updated_at: datetime


class SubscriptionPayment(Struct, frozen=True, rename="camel", kw_only=True):
    """A payment of a subscription; `paymentId` is our own id of it. Amounts in minor units."""

    payment_id: str
    provider_payment_id: str
    amount: int
    currency: str
    status: PaymentStatus
    refunded: int
    failure_code: str | None
    failure_message: str | None
    created_at: datetime


class SubscriptionAnswer(Struct, frozen=True, rename="camel"):
    """One subscription."""

    subscription: SubscriptionView


class SubscriptionsAnswer(Struct, frozen=True, rename="camel"):
    """A page of subscriptions, newest first."""

    subscriptions: list[SubscriptionView]
    next_cursor: str | None


class SubscriptionStatusAnswer(Struct, frozen=True, rename="camel"):
    """A user's subscription, null where there is none, and its payments, the latest first."""

    subscription: SubscriptionView | None
    plan: str | None
    next_renewal: datetime | None
    payments: list[SubscriptionPayment]


def subscription_view(subscription: Subscription) -> SubscriptionView:
    """Show a subscription."""
    key = subscription.provider_subscription_id
    return view_of(SubscriptionView, subscription, subscription_id=key)


def status_answer(
    subscription: Subscription | None, payments: list[Payment]
) -> SubscriptionStatusAnswer:
    """Show how a user's subscription stands."""
    if subscription is None:
        return SubscriptionStatusAnswer(None, None, None, [])
    return SubscriptionStatusAnswer(
        subscription_view(subscription),
        subscription.plan,
        subscription.next_renewal,
        [view_of(SubscriptionPayment, one, payment_id=str(one.id)) for one in payments],
    )
