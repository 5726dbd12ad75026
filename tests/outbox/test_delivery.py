"""The outbox: leased, tried again, given up; two loops at once deliver once."""

import asyncio
from datetime import timedelta

import pytest

from service.core.errors import ProviderFailed
from service.outbox import repository
from service.outbox.documents import OutboxMessage
from service.outbox.operations import LEASE, deliver_due, message
from service.storage.plain import NO_TRANSACTION
from tests.support.shop import Shop


def _message(shop: Shop, key: str = "1", topic: str = "test.topic") -> OutboxMessage:
    return message(
        topic, key, merchant_id="default", session_id="s-1", payload={}, now=shop.clock.now()
    )


async def _row(shop: Shop) -> dict[str, object]:
    row = await shop.database["outbox"].find_one({})
    assert row is not None
    return row


class Listener:
    """A handler that notes what it was given, and fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.got: list[str] = []
        self.failures = failures

    async def __call__(self, told: OutboxMessage) -> None:
        self.got.append(told.id)
        await asyncio.sleep(0)
        if len(self.got) <= self.failures:
            raise ProviderFailed("not now")


async def test_the_same_thing_is_told_once_however_often_it_is_added(shop: Shop) -> None:
    for _ in range(3):
        await repository.add_once([_message(shop), _message(shop)], NO_TRANSACTION)
    listener = Listener()
    assert await deliver_due({"test.topic": listener}, shop.clock) == 1
    assert await deliver_due({"test.topic": listener}, shop.clock) == 0
    assert listener.got == ["test.topic:1"]
    assert (await _row(shop))["status"] == "done"


async def test_two_loops_at_once_deliver_each_message_once(shop: Shop) -> None:
    await repository.add_once([_message(shop, str(n)) for n in range(40)], NO_TRANSACTION)
    listener = Listener()
    counts = await asyncio.gather(
        *(deliver_due({"test.topic": listener}, shop.clock) for _ in range(4))
    )
    assert sum(counts) == 40
    assert len(set(listener.got)) == len(listener.got) == 40


async def test_control_without_the_lease_two_loops_deliver_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await repository.add_once([_message(shop, str(n)) for n in range(5)], NO_TRANSACTION)

    async def unleased(*_: object) -> OutboxMessage | None:
        row = await shop.database["outbox"].find_one({"status": "pending"})
        return OutboxMessage.model_validate(row) if row else None

    monkeypatch.setattr(repository, "claim_due", unleased)
    listener = Listener()
    await asyncio.gather(*(deliver_due({"test.topic": listener}, shop.clock) for _ in range(4)))
    assert len(listener.got) > 5


async def test_a_failure_is_tried_again_ever_more_rarely_and_dead_after_three_days(
    shop: Shop,
) -> None:
    await repository.add_once([_message(shop)], NO_TRANSACTION)
    listener = Listener(failures=10**6)
    began = shop.clock.now()
    waits = []
    while (row := await _row(shop))["status"] == "pending":
        assert await deliver_due({"test.topic": listener}, shop.clock) == 0
        row = await _row(shop)
        if row["status"] == "pending":
            wait = row["nextAttemptAt"] - shop.clock.now()  # type: ignore[operator]
            waits.append(wait.total_seconds())
            shop.clock.advance(wait)
    for wait, published in zip(waits, (2, 4, 8, 16), strict=False):
        assert published * 0.9 <= wait <= published
    assert max(waits) <= 6 * 3600
    assert timedelta(days=3) < shop.clock.now() - began < timedelta(days=3, hours=7)
    assert (row["status"], row["error"]) == ("dead", "not now")
    shop.pass_time(days=1)
    tried = len(listener.got)
    await deliver_due({"test.topic": listener}, shop.clock)
    assert len(listener.got) == tried


async def test_a_failure_does_not_hold_up_the_others(shop: Shop) -> None:
    await repository.add_once([_message(shop, str(n)) for n in range(3)], NO_TRANSACTION)
    listener = Listener(failures=1)
    assert await deliver_due({"test.topic": listener}, shop.clock) == 2
    shop.clock.advance(timedelta(seconds=2))
    assert await deliver_due({"test.topic": listener}, shop.clock) == 1
    assert len(listener.got) == 4


async def test_a_message_whose_loop_died_is_delivered_after_its_lease(shop: Shop) -> None:
    await repository.add_once([_message(shop)], NO_TRANSACTION)
    lost = await repository.claim_due(["test.topic"], shop.clock, LEASE)
    assert lost is not None
    listener = Listener()
    assert await deliver_due({"test.topic": listener}, shop.clock) == 0
    shop.clock.advance(LEASE)
    assert await deliver_due({"test.topic": listener}, shop.clock) == 1

    await repository.mark_failed(lost, "the dead one speaks", shop.clock.now())
    assert (await _row(shop))["status"] == "done"


async def test_a_topic_without_a_handler_waits_for_a_later_version(shop: Shop) -> None:
    await repository.add_once([_message(shop, topic="session.completed")], NO_TRANSACTION)
    assert await deliver_due({"test.topic": Listener()}, shop.clock) == 0
    row = await _row(shop)
    assert (row["status"], row["attempts"]) == ("pending", 0)
    assert await deliver_due({"session.completed": Listener()}, shop.clock) == 1
