"""Payments and reviews are told: the former only where an endpoint hears them."""

from typing import Any

from service.notifications.endpoints.operations.known import KNOWN_WITHIN, Endpoints
from service.notifications.stream.operations.listening import Listeners
from tests.notifications.receivers import receiving
from tests.notifications.telling import endpoint, fan_out, send
from tests.support.profiled import profiled
from tests.support.shop import Shop


async def _paid(shop: Shop, **fields: Any) -> dict[str, Any]:
    session = await shop.api.open(currency="USD")
    await shop.api.told(shop.stripe_paid(session, **fields))
    return session


async def _topics(shop: Shop) -> list[str]:
    rows = await shop.database["outbox"].find().to_list()
    return sorted(row["topic"] for row in rows if not row["topic"].startswith("provider."))


async def test_a_payment_is_told_to_whoever_hears_it(shop: Shop) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url(), "payment.*")
        session = await _paid(shop)
        await fan_out(shop)
        await send(shop)
    (got,) = receiver.got
    assert b'"type":"payment.succeeded"' in got.body
    assert f'"sessionId":"{session["sessionId"]}"'.encode() in got.body
    assert b'"amount":1000,"currency":"USD","status":"succeeded"' in got.body


async def test_where_nobody_hears_payments_no_message_of_one_is_written(shop: Shop) -> None:
    await _paid(shop)
    assert await _topics(shop) == ["session.completed"]


async def test_whoever_listens_hears_payments_though_no_endpoint_does(shop: Shop) -> None:
    """Through another process; once they are gone nothing is written for them any more."""
    await Listeners(shop.clock).note("default")
    here = shop.api.container.listeners
    await here.refresh()
    await _paid(shop)
    assert await _topics(shop) == ["payment.succeeded", "session.completed"]
    shop.pass_time(seconds=30)
    await here.refresh()
    await _paid(shop)
    assert await _topics(shop) == ["payment.succeeded", *["session.completed"] * 2]


async def test_nor_where_only_sessions_are_heard_or_another_merchant_hears_them(
    shop: Shop,
) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url(), "session.*")
        await fan_out(shop)
        await _paid(shop)
    assert await _topics(shop) == ["session.completed"]


async def test_control_a_process_that_does_not_know_writes_it(shop: Shop) -> None:
    shop.api.container.endpoints.endpoints.forget()
    await _paid(shop)
    assert await _topics(shop) == ["payment.succeeded", "session.completed"]


async def test_a_second_event_that_changes_nothing_tells_nothing(shop: Shop) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url(), "payment.*")
        session = await _paid(shop)
        again = shop.stripe_paid(session)
        await shop.api.told(again)
    assert await _topics(shop) == ["payment.succeeded", "session.completed"]


async def test_a_review_is_told_when_it_is_opened_and_when_it_is_decided(shop: Shop) -> None:
    session = await _paid(shop, amount_total=999)
    assert await _topics(shop) == ["review.opened"]
    sid = session["sessionId"]
    decided = await shop.admin("POST", f"/reviews/{sid}/accept", json={"reason": "enough"})
    assert decided.status_code == 200, decided.text
    assert await _topics(shop) == ["review.decided", "review.opened", "session.completed"]
    (opened,) = await shop.messages("review.opened")
    assert opened["payload"]["reason"] == "amount_mismatch"


async def test_the_cache_asks_nothing_while_an_event_is_applied(shop: Shop) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url(), "session.*")
        await fan_out(shop)
        async with profiled(shop.database) as queries:
            await _paid(shop)
    assert not [one for one in queries if "webhook_endpoints" in str(one)]


def test_an_endpoint_counts_from_when_every_process_knows_it_or_knows_that_it_does_not(
    shop: Shop,
) -> None:
    fresh = Endpoints(shop.clock)
    assert fresh.hears("default", "payment.succeeded")
    assert not fresh.is_empty
    assert KNOWN_WITHIN.total_seconds() == 10
