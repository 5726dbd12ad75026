"""From a message to deliveries: to each subscriber that was born before it, whatever happens."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from service.core.batches import Until
from service.outbox import repository
from service.outbox.operations import dispatch as dispatching
from service.outbox.operations.dispatch import dispatch, dispatch_some
from service.outbox.operations.subscribers import Subscriber
from service.storage.plain import NO_TRANSACTION, in_transaction
from service.storage.transaction import Transaction
from tests.outbox.subscribing import (
    TOPIC,
    Listener,
    born,
    deliver,
    deliveries,
    row_of,
    subscriber,
    write,
)
from tests.support.shop import Shop

FOREVER = Until(float("inf"))


def _three() -> tuple[Subscriber, ...]:
    return tuple(subscriber(Listener(), name) for name in ("a", "b", "c"))


async def test_one_message_is_delivered_to_each_of_its_subscribers(shop: Shop) -> None:
    three = _three()
    await born(shop.clock, *three)
    await write(shop, "1", "2")
    assert await deliver(shop.clock, *three) == 6
    assert [one.handle.got for one in three] == [["test.topic:1", "test.topic:2"]] * 3  # type: ignore[attr-defined]


async def test_a_subscriber_hears_from_its_birth_on(shop: Shop) -> None:
    old, new = subscriber(Listener(), "old"), subscriber(Listener(), "new")
    await born(shop.clock, old)
    await write(shop, "before")
    await born(shop.clock, old, new)
    await write(shop, "after")
    await deliver(shop.clock, old, new)
    assert [one["_id"] for one in await deliveries(shop)] == [
        "test.topic:after:new",
        "test.topic:after:old",
        "test.topic:before:old",
    ]


async def test_one_that_is_born_while_messages_wait_does_not_hear_them(shop: Shop) -> None:
    await write(shop, "before")
    hears = subscriber(Listener())
    await deliver(shop.clock, hears)
    await write(shop, "after")
    await deliver(shop.clock, hears)
    assert [one["_id"] for one in await deliveries(shop)] == ["test.topic:after:test"]


async def test_who_hears_always_hears_what_was_written_before_it_was_there(shop: Shop) -> None:
    await write(shop, "before")
    hears = replace(subscriber(Listener()), always=True)
    await deliver(shop.clock, hears)
    assert [one["_id"] for one in await deliveries(shop)] == ["test.topic:before:test"]


async def test_a_topic_that_is_added_later_is_heard_from_then_on(shop: Shop) -> None:
    hears = subscriber(Listener())
    await born(shop.clock, hears)
    await write(shop, "1", topic="another")
    more = replace(hears, topics=frozenset({TOPIC, "another"}))
    await born(shop.clock, more)
    await write(shop, "2", topic="another")
    await deliver(shop.clock, more)
    assert [one["_id"] for one in await deliveries(shop)] == ["another:2:test"]


async def _written(shop: Shop, hears: Subscriber, *, before: bool) -> list[str]:
    """Write in a transaction that begins before a birth and ends after it."""

    async def work(tx: Transaction) -> None:
        if before:
            await repository.add_once([row_of(shop)], tx)
            await born(shop.clock, hears)
        else:
            await tx.insert_missing(shop.database["prices"], [{"_id": "begun"}])
            await born(shop.clock, hears)
            await repository.add_once([row_of(shop)], tx)

    await in_transaction(work)
    await deliver(shop.clock, hears)
    return [one["_id"] for one in await deliveries(shop)]


@pytest.mark.parametrize(("before", "heard"), [(True, []), (False, ["test.topic:1:test"])])
async def test_in_a_transaction_counts_when_the_message_is_written(
    shop: Shop, before: bool, heard: list[str]
) -> None:
    """Not when the transaction began, nor when it was committed, which is after the birth here."""
    assert await _written(shop, subscriber(Listener()), before=before) == heard


async def test_the_database_tells_the_time_of_a_message_however_it_is_written(shop: Shop) -> None:
    await repository.add_once([row_of(shop, "upserted")], NO_TRANSACTION)
    await repository.add_new([row_of(shop, "inserted")], NO_TRANSACTION)

    async def work(tx: Transaction) -> None:
        await repository.add_once([row_of(shop, "upserted within")], tx)
        await repository.add_new([row_of(shop, "inserted within")], tx)

    await in_transaction(work)
    before = await shop.messages(TOPIC)
    assert min(row["writtenAt"].time for row in before) > 0
    await repository.add_once([row_of(shop, "upserted")], NO_TRANSACTION)
    assert await shop.messages(TOPIC) == before


async def _by_a_process_that_lacks_it(shop: Shop) -> list[str]:
    old, new = subscriber(Listener(), "old"), subscriber(Listener(), "new")
    await born(shop.clock, old, new)
    await write(shop)
    assert (await dispatch((old,), shop.clock, FOREVER)).messages == 1
    await deliver(shop.clock, old, new)
    return [f"{one['_id']} in {one['lane']}" for one in await deliveries(shop)]


async def test_a_process_of_another_version_dispatches_also_to_whom_it_does_not_have(
    shop: Shop,
) -> None:
    assert await _by_a_process_that_lacks_it(shop) == [
        "test.topic:1:new in new:",
        "test.topic:1:old in old:",
    ]


async def test_control_by_what_it_has_itself_the_other_never_hears_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_born = dispatching.be_born

    async def own(subscribers: Any) -> Any:
        names = {one.name for one in subscribers}
        return [one for one in await be_born(subscribers) if one.subscriber in names]

    monkeypatch.setattr(dispatching, "be_born", own)
    assert await _by_a_process_that_lacks_it(shop) == ["test.topic:1:old in old:"]


class Slow:
    """A database whose answer to one command comes late, after something else has happened."""

    def __init__(self, do: Callable[..., Any], meanwhile: Callable[[], Any]) -> None:
        self._do, self._meanwhile, self._first = do, meanwhile, True

    async def __call__(self, *arguments: Any) -> Any:
        answer = await self._do(*arguments)
        if self._first:
            self._first = False
            await self._meanwhile()
        return answer


async def _born_while_one_dispatches(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A subscriber is born, and a message written, between two reads of another's dispatcher."""
    old, new = subscriber(Listener(), "old"), subscriber(Listener(), "new")
    await born(shop.clock, old)
    await write(shop, "before")

    async def meanwhile() -> None:
        await dispatching.be_born((new,))
        await write(shop, "after")

    slow = Slow(repository.undispatched, meanwhile)
    monkeypatch.setattr(repository, "undispatched", slow)
    await dispatch_some((old,), shop.clock)
    await deliver(shop.clock, old, new)
    return [one["_id"] for one in await deliveries(shop, subscriber="new")]


async def test_who_is_born_while_another_dispatches_misses_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _born_while_one_dispatches(shop, monkeypatch) == ["test.topic:after:new"]


async def test_control_with_births_read_before_the_messages_it_misses_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = subscriber(Listener(), "old"), subscriber(Listener(), "new")
    await born(shop.clock, old)
    stale = await repository.births()
    await dispatching.be_born((new,))
    await write(shop, "after")
    monkeypatch.setattr(dispatching, "be_born", lambda _: asyncio.sleep(0, stale))
    await dispatch_some((old,), shop.clock)
    monkeypatch.undo()
    await deliver(shop.clock, old, new)
    assert await deliveries(shop, subscriber="new") == []


async def test_whose_row_is_there_without_a_time_is_born_by_whoever_dispatches(shop: Shop) -> None:
    old, new = subscriber(Listener(), "old"), subscriber(Listener(), "new")
    await born(shop.clock, old)
    await write(shop, "before")
    await repository.expect([repository.Heard("new", TOPIC, always=False)])
    await dispatch((old,), shop.clock, FOREVER)
    await write(shop, "after")
    await dispatch((old,), shop.clock, FOREVER)
    heard = [one["_id"] for one in await deliveries(shop, subscriber=new.name)]
    assert heard == ["test.topic:after:new"]


async def _two_at_once(shop: Shop) -> int:
    """Let two dispatch the same messages step by step; return how many deliveries there are."""
    three = _three()
    await born(shop.clock, *three)
    await write(shop, *(str(n) for n in range(20)))
    await asyncio.gather(*(dispatch_some(three, shop.clock) for _ in range(3)))
    assert await shop.database["outbox"].count_documents({"status": "pending"}) == 0
    return await deliver(shop.clock, *three)


async def test_two_dispatchers_at_once_make_each_delivery_once(shop: Shop) -> None:
    assert await _two_at_once(shop) == 60


async def test_one_process_dispatches_at_a_time(shop: Shop) -> None:
    three = _three()
    await born(shop.clock, *three)
    await write(shop)
    done = await asyncio.gather(*(dispatch(three, shop.clock, FOREVER) for _ in range(3)))
    assert sum(one.messages for one in done) == 1
