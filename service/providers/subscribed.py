"""How a subscription stands, in words that are the same for all providers."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

SubscriptionState = Literal[
    "incomplete",
    "trialing",
    "active",
    "past_due",
    "unpaid",
    "halted",
    "paused",
    "canceled",
    "completed",
    "incomplete_expired",
]
Interval = Literal["day", "week", "month", "year"]


class Subscribed(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A subscription as its provider said that it stands when it was read.

    `provider_status` is the provider's own word for the state, `provider_plan_id` its id of what is
    subscribed to. `plan` is our name for that where the settings have it, `noted_plan` the one that
    was sent along: there may have been another change since. A period costs `amount`, in minor
    units of `currency`, and is `interval_count` intervals long. `attempts` counts how often the
    latest invoice was tried while it is not paid, `next_attempt` is when it is tried again, where
    that is known. `started_at`: nothing of it is older.
    `cancellation_reason` is the provider's word for why it was canceled, or is to be.
    """

    provider_subscription_id: str
    state: SubscriptionState
    provider_status: str
    customer_id: str | None = None
    plan: str | None = None
    noted_plan: str | None = None
    provider_plan_id: str | None = None
    amount: int | None = None
    currency: str | None = None
    quantity: int = 1
    interval: Interval | None = None
    interval_count: int = 1
    current_period_start: datetime | None = None
    current_period_end: datetime | None = None
    cancel_at_period_end: bool = False
    trial_end: datetime | None = None
    started_at: datetime | None = None
    canceled_at: datetime | None = None
    ended_at: datetime | None = None
    cancellation_reason: str | None = None
    latest_invoice: str | None = None
    attempts: int = 0
    next_attempt: datetime | None = None
