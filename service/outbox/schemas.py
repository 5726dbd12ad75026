"""What goes over the wire about deliveries."""

from datetime import datetime

from msgspec import Struct

from service.core.views import view_of
from service.outbox.documents import Delivery, DeliveryStatus


class DeliveryView(Struct, frozen=True, rename="camel", kw_only=True):
    """A delivery of a message to a subscriber, without the message.

    `nextAttemptAt`: while it is being delivered, when somebody else may try.
    """

    id: str
    merchant_id: str
    subscriber: str
    topic: str
    session_id: str
    lane: str
    status: DeliveryStatus
    attempts: int
    error: str | None
    created_at: datetime
    next_attempt_at: datetime
    give_up_at: datetime
    done_at: datetime | None


class DeliveriesAnswer(Struct, frozen=True, rename="camel"):
    """A page of deliveries, newest first."""

    deliveries: list[DeliveryView]
    next_cursor: str | None


class DeliveryAnswer(Struct, frozen=True, rename="camel"):
    """One delivery."""

    delivery: DeliveryView


def delivery_view(delivery: Delivery) -> DeliveryView:
    """Show a delivery."""
    return view_of(DeliveryView, delivery)
