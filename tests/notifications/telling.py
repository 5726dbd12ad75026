"""Endpoints of a shop, the events that they hear, and the process that sends them."""

import math
from typing import Any

from msgspec.structs import replace
from standardwebhooks import Webhook

from service.core.batches import Until
from service.core.principal import Kind, Principal
from service.notifications.endpoints.operations.addresses import LOOPBACK, Addresses, Resolve
from service.notifications.endpoints.operations.changing import Told, Wish, add_endpoint
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.endpoints.sending.client import Client
from service.notifications.endpoints.sending.sender import Sender
from service.outbox import repository as outbox
from service.outbox.operations.messages import message
from service.outbox.operations.post import Post
from service.storage.database import Row
from service.storage.plain import NO_TRANSACTION
from tests.notifications.receivers import Got
from tests.support.shop import Shop

OPERATOR = Principal(Kind.ADMIN, "default", key_id="0123456789ab", name="ops")


def services_of(shop: Shop) -> EndpointServices:
    """Return what endpoints of a shop share."""
    return shop.api.container.endpoints


def resolving(shop: Shop, resolve: Resolve, *networks: str) -> EndpointServices:
    """Return the same with names that lead where a test wants them to."""
    return replace(services_of(shop), addresses=Addresses(networks or LOOPBACK, resolve))


async def endpoint(shop: Shop, url: str, *events: str, **wish: Any) -> Told:
    """Add an endpoint that counts from now on."""
    await fan_out(shop)  # the subscriber is born with its process, before there is any endpoint
    services = wish.pop("services", None) or services_of(shop)
    by = wish.pop("by", OPERATOR)
    told = await add_endpoint(services, Wish(url, events or ("*",), **wish), by)
    shop.pass_time(seconds=10)
    return told


async def tell(
    shop: Shop, *keys: str, topic: str = "session.completed", session: str = "s-1", **more: Any
) -> None:
    """Write events, and have their deliveries made."""
    await write(shop, *keys, topic=topic, session=session, **more)
    await fan_out(shop)


async def write(
    shop: Shop, *keys: str, topic: str = "session.completed", session: str = "s-1", **more: Any
) -> None:
    """Write events."""
    rows = [
        message(
            topic,
            key,
            merchant_id=more.get("merchant", "default"),
            session_id=session,
            payload={"status": "completed", "amount": 4999, "currency": "EUR"},
            now=shop.clock.now(),
        )
        for key in keys or ("1",)
    ]
    for row in rows:
        await outbox.add_once([row], NO_TRANSACTION)


async def fan_out(shop: Shop) -> int:
    """Dispatch and deliver what the outbox has, as a process that knows its endpoints does."""
    container = shop.api.container
    await container.endpoints.endpoints.refresh(0)
    return await Post(container.jobs.subscribers, container.clock).work_off()


def sender_of(shop: Shop, client: Client | None = None, **changes: Any) -> Sender:
    """Return the sender of one process."""
    services = changes.get("services") or services_of(shop)
    return Sender(services, client or Client(services.addresses), Until(math.inf))


async def send(shop: Shop, client: Client | None = None, **changes: Any) -> int:
    """Send all that is due, as one process does; return how many tries that took."""
    return await sender_of(shop, client, **changes).work_off()


async def sent(shop: Shop, **wanted: Any) -> list[Row]:
    """Return the deliveries as they are stored."""
    return await shop.database["webhook_deliveries"].find(wanted).sort("place", 1).to_list()


async def the_try(shop: Shop) -> Row:
    """Return the latest attempt of the one delivery that there is."""
    (row,) = await sent(shop)
    attempt: Row = row["attempts"][-1]
    return attempt


def verified(got: Got, secret: str) -> Any:
    """Return what a receiver reads with the official library, which raises for a forgery."""
    return Webhook(secret).verify(got.body, dict(got.headers))
