"""A subscriber that is gone: its births and its open deliveries are removed, and nothing waits."""

from service.outbox import repository
from tests.outbox.subscribing import Listener, born, deliver, deliveries, subscriber, write
from tests.support.shop import Shop

OF_IT = {"subscriber": "gone"}


async def _waiting(shop: Shop) -> bool:
    """Return whether something of the session is yet to be delivered, so that it is not purged."""
    return await repository.sessions_with_pending(["s-1"]) == {("default", "s-1")}


async def _leave(shop: Shop) -> None:
    """Have a delivery that nobody takes any more, of a subscriber that no process has."""
    stays, gone = subscriber(Listener(), "stays"), subscriber(Listener(), "gone")
    await born(shop.clock, stays, gone)
    await write(shop, "1")
    await deliver(shop.clock, stays)
    assert [row["status"] for row in await deliveries(shop, **OF_IT)] == ["pending"]


async def test_without_its_births_and_open_deliveries_no_session_waits_for_it(shop: Shop) -> None:
    await _leave(shop)
    assert await _waiting(shop)
    await shop.database["subscribers"].delete_many(OF_IT)
    await shop.database["deliveries"].delete_many(OF_IT | {"status": {"$ne": "done"}})
    assert not await _waiting(shop)
    await write(shop, "2")
    assert await deliver(shop.clock, subscriber(Listener(), "stays")) == 1
    assert await deliveries(shop, **OF_IT) == []
    assert not await _waiting(shop)


async def test_control_with_its_births_every_process_goes_on_making_deliveries_for_it(
    shop: Shop,
) -> None:
    await _leave(shop)
    await shop.database["deliveries"].delete_many(OF_IT)
    await write(shop, "2")
    await deliver(shop.clock, subscriber(Listener(), "stays"))
    assert len(await deliveries(shop, **OF_IT)) == 1
    assert await _waiting(shop)
