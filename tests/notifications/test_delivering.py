"""An event reaches the endpoints that hear it: signed, once, and kept with what was answered."""

import asyncio
from datetime import UTC, datetime

import pytest
from standardwebhooks import WebhookVerificationError

from service.notifications.endpoints.operations.addresses import target_of
from service.notifications.endpoints.sending.client import Client
from tests.notifications.receivers import receiving
from tests.notifications.telling import endpoint, send, sent, services_of, tell, verified
from tests.support.shop import Shop


async def test_an_event_arrives_signed_as_standard_webhooks_says(shop: Shop) -> None:
    shop.clock.advance(datetime.now(UTC) - shop.clock.now())  # the library has its own clock
    async with receiving() as receiver:
        told = await endpoint(shop, receiver.url())
        await tell(shop)
        await send(shop)
    (got,) = receiver.got
    read = verified(got, told.secret)
    assert read["id"] == got.id
    assert read["type"] == "session.completed"
    assert read["data"] == {"status": "completed", "amount": 4999, "currency": "EUR"}
    with pytest.raises(WebhookVerificationError):
        verified(got, "whsec_" + "A" * 44)


async def test_what_was_answered_is_kept_and_nothing_is_sent_twice(shop: Shop) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop)
        await send(shop)
        assert await send(shop) == 0
    (row,) = await sent(shop)
    assert row["status"] == "delivered"
    assert row["attempts"][0]["status"] == 200
    assert row["attempts"][0]["answer"] == "ok"
    assert row["attempts"][0]["error"] is None
    assert list(receiver.times().values()) == [1]


async def test_an_endpoint_hears_what_its_filters_let_through(shop: Shop) -> None:
    async with receiving() as one, receiving() as other:
        await endpoint(shop, one.url(), "session.*")
        await endpoint(shop, other.url(), "refund.failed")
        await tell(shop)
        await tell(shop, topic="refund.failed")
        await tell(shop, topic="dispute.lost")
        await send(shop)
    assert [got.id for got in one.got] != [got.id for got in other.got]
    assert (len(one.got), len(other.got)) == (1, 1)


async def test_what_was_written_before_an_endpoint_counts_is_not_sent(shop: Shop) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
        shop.pass_time(seconds=-1)
        await tell(shop, "before")
        shop.pass_time(seconds=1)
        await tell(shop, "since")
        await send(shop)
    assert len(receiver.got) == 1


async def test_another_merchants_events_are_not_heard(shop: Shop) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop, merchant="another")
        await send(shop)
    assert receiver.got == []
    assert await shop.database["deliveries"].count_documents({"subscriber": "webhooks"}) == 0


async def test_without_any_endpoint_no_delivery_is_made_at_all(shop: Shop) -> None:
    await tell(shop)
    assert await shop.database["deliveries"].count_documents({"subscriber": "webhooks"}) == 0


async def test_a_connection_is_used_again(shop: Shop) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop, *(f"{n:03}" for n in range(100)))
        await send(shop)
    assert len(receiver.times()) == 100
    assert receiver.connections <= 8


async def test_endpoints_on_one_host_share_its_connections_however_many_are_sent_to_at_once(
    shop: Shop,
) -> None:
    async with receiving() as receiver:
        client = Client(services_of(shop).addresses)
        paths = [target_of(receiver.url().replace("/hook", f"/{n}")) for n in range(100)]
        sent = b"POST / HTTP/1.1\r\nwebhook-id: 1\r\ncontent-length: 0\r\n\r\n"
        for _ in range(2):
            await asyncio.gather(*(client.post(one, sent) for one in paths))
        client.close()
    assert (len(receiver.got), receiver.connections) == (200, 100)
