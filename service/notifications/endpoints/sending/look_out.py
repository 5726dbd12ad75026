"""The loop of the sender: it looks for what is due, at once where this process has made it."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.core.batches import Until
from service.core.news import WRITTEN
from service.core.rush import Carried
from service.leases.loops import comes, end
from service.notifications.endpoints.operations.fan_out import NEWS
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.endpoints.sending.client import Client
from service.notifications.endpoints.sending.pace import Pace
from service.notifications.endpoints.sending.sender import Sender

LOOKS_EVERY_S = 2.0
# What comes together is sent together.
_GATHERS_S = 0.05


@asynccontextmanager
async def sending(
    services: EndpointServices, stopping: asyncio.Event, carried: Carried
) -> AsyncIterator[None]:
    """Send for as long as the block lasts. Several processes may: each delivery is leased.

    `carried` counts the requests of the hot routes, which go before.
    """
    client = Client(services.addresses)
    sender = Sender(services, client, Until(math.inf, stopping), Pace(carried))
    with WRITTEN.subscribed({NEWS}) as news:
        loop = asyncio.create_task(_look_out(sender, stopping, news), name="tillgate-background")
        try:
            yield
        finally:
            stopping.set()
            news.set()
            await end(lambda: {loop, *sender.under_way.values()})
            client.close()


async def _look_out(sender: Sender, stopping: asyncio.Event, news: asyncio.Event) -> None:
    while not stopping.is_set():
        news.clear()
        await sender.look()
        if await comes(news, LOOKS_EVERY_S):
            await comes(stopping, _GATHERS_S)
