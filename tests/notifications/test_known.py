"""What a process knows of the endpoints, whatever it reads at once and whoever changes them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest
from msgspec.structs import replace

from service.notifications.endpoints.documents import WebhookEndpoint
from service.notifications.endpoints.operations.changing import Wish, change_endpoint
from service.notifications.endpoints.operations.known import Endpoints
from service.notifications.endpoints.operations.sending_again import send_test
from service.notifications.endpoints.repository import endpoints as repository
from tests.notifications.receivers import receiving
from tests.notifications.telling import OPERATOR, endpoint, sender_of, sent, services_of
from tests.support.patience import IN_TIME
from tests.support.shop import Shop


class Slow:
    """Reads what there is, and returns it only once it may."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.has_read, self.may = asyncio.Event(), asyncio.Event()
        self._read = repository.changed
        monkeypatch.setattr(repository, "changed", self)

    async def __call__(self, since: datetime | None) -> Sequence[WebhookEndpoint]:
        found = await self._read(since)
        if not self.has_read.is_set():
            self.has_read.set()
            await self.may.wait()
        return found


@pytest.mark.parametrize("another", [True, False], ids=["another-reads", "nobody-else-reads"])
async def test_a_change_while_the_endpoints_are_being_read_is_known_to_who_asks_next(
    shop: Shop, another: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before it comes last, and is older than what another has read meanwhile."""
    async with receiving() as receiver:
        told = await endpoint(shop, receiver.url(), description="before")
    services, known = services_of(shop), services_of(shop).endpoints
    slow = Slow(monkeypatch)
    reading = asyncio.create_task(known.refresh(0))
    async with asyncio.timeout(IN_TIME):
        await slow.has_read.wait()
        await change_endpoint(services, told.endpoint.id, Wish(description="after"), OPERATOR)
        if another:
            await known.refresh(0)
        slow.may.set()
        await reading
    await known.refresh(float("inf"))
    found = known.find(told.endpoint.id)
    assert found is not None
    assert found.description == "after"


async def test_a_test_is_sent_by_a_process_that_has_not_heard_of_its_endpoint_yet(
    shop: Shop,
) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
        other = replace(services_of(shop), endpoints=Endpoints(shop.clock))
        await other.endpoints.refresh(0)
        told = await endpoint(shop, receiver.url())
        await send_test(services_of(shop), told.endpoint.id, OPERATOR)
        assert other.endpoints.find(told.endpoint.id) is None
        sender = sender_of(shop, services=other)
        await sender.look()
        async with asyncio.timeout(IN_TIME):
            await asyncio.gather(*sender.under_way.values())
    assert [row["status"] for row in await sent(shop)] == ["delivered"]
