"""Make a delivery of an event for each endpoint that hears it: the subscriber of the outbox."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from service.core.lateness import is_late
from service.core.news import WRITTEN
from service.notifications.endpoints.documents import WebhookDelivery, WebhookEndpoint
from service.notifications.endpoints.operations.bodies import Bodies
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.endpoints.repository import deliveries
from service.notifications.events.operations import event_id
from service.notifications.events.states import EVENT_TYPES, hears
from service.outbox import repository as messages
from service.outbox.documents import Delivery, OutboxMessage
from service.outbox.operations.subscribers import Subscriber
from service.storage.answering import answers_in_time
from service.storage.database import Row

SUBSCRIBER = "webhooks"
AT_ONCE = 32
KEPT_FOR = timedelta(days=30)
NEWS = "webhook_deliveries"
"""The kind of a delivery that was made here, for whoever sends."""
# What is older was sent long ago, and its row may be gone.
_LOOKS_BACK = timedelta(days=7)


def webhooks(services: EndpointServices) -> Subscriber:
    """Return the subscriber: it is given nothing of a merchant of which no endpoint hears it.

    It waits while the sender has enough to do.
    """
    fan_out = FanOut(services)
    return Subscriber(
        SUBSCRIBER,
        EVENT_TYPES,
        fan_out,
        at_once=AT_ONCE,
        wants=fan_out.wants,
        waits=lambda: services.backlog.is_enough,
        at_dispatch=True,
    )


class FanOut:
    """Makes the deliveries of an event, each once however often it is given the event."""

    def __init__(self, services: EndpointServices) -> None:
        """Look endpoints up here."""
        self._endpoints, self._clock = services.endpoints, services.clock
        self._backlog = services.backlog

    def wants(self, message: OutboxMessage) -> bool:
        """Return whether anybody may hear a message."""
        return self._endpoints.hears(message.merchant_id, message.topic)

    async def __call__(self, delivery: Delivery, message: OutboxMessage) -> None:
        """Make the deliveries of a message. Raises `Unavailable`, and then none may be missing.

        Where an endpoint wants them in order, also those of the messages before it in its session:
        this one may be sent as soon as it is there, and theirs may have failed to be made.
        """
        await self._endpoints.refresh()
        hearing = self._endpoints.hearing(message.merchant_id, message.topic)
        if not hearing:
            return
        at = delivery.created_at
        made = [await self._make(message, [one for one in hearing if not one.ordered], at)]
        if ordered := [one for one in hearing if one.ordered]:
            made += [await self._make(one, ordered, at) for one in await self._up_to(message)]
        self._backlog.keep(at)
        if any(made):
            WRITTEN.notify([NEWS])

    async def _make(
        self, message: OutboxMessage, endpoints: Iterable[WebhookEndpoint], now: datetime
    ) -> bool:
        """Make what is missing of a message's deliveries, at once; return whether anything was."""
        bodies = Bodies(message, self._clock)
        rows = [
            delivery_row(message, one, await bodies.of(thin=one.thin), now)
            | {"recount": is_late(now, self._clock.now())}
            for one in endpoints
            if one.active_from <= message.created_at and hears(one.events, message.topic)
        ]
        self._backlog.add(len(rows))
        return any(await asyncio.gather(*map(deliveries.insert_missing, rows)))

    async def _up_to(self, message: OutboxMessage) -> Sequence[OutboxMessage]:
        """Return a session's messages up to one, in their order, as far back as a row is kept."""
        if not message.session_id:
            return [message]
        async with answers_in_time():
            found, _ = await messages.of_session(message.merchant_id, message.session_id)
        since = message.created_at - _LOOKS_BACK
        before = [one for one in found if place_of(one) < place_of(message)]
        kept = [one for one in before if one.topic in EVENT_TYPES and one.created_at > since]
        return [*sorted(kept, key=place_of), message]


def delivery_row(
    message: OutboxMessage, endpoint: WebhookEndpoint, body: str, now: datetime
) -> Row:
    """Make the row of a delivery that is due; `now` is the database's time."""
    event = event_id(message.id)
    lane = f"{endpoint.id}:{message.session_id}"
    return WebhookDelivery.new_row(
        {
            "_id": f"{event}:{endpoint.id}",
            "merchantId": message.merchant_id,
            "endpointId": endpoint.id,
            "eventId": event,
            "type": message.topic,
            "sessionId": message.session_id,
            "body": body,
            "lane": lane if endpoint.ordered and message.session_id else None,
            "place": place_of(message),
            "nextAttemptAt": now,
            "createdAt": now,
            "purgeAt": now + KEPT_FOR,
        }
    )


def place_of(message: OutboxMessage) -> str:
    """Return the place of a message among all: a text that sorts as the database's time does."""
    at = message.written_at
    return f"{at.time:010d}.{at.inc:010d}"
