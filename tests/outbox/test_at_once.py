"""What two do at once with a delivery: each (message, subscriber) is still made, and made once."""

from typing import Any

import pytest

from service.core.clock import Clock
from service.core.principal import Kind, Principal
from service.outbox import repository
from service.outbox.documents import Delivery, OutboxMessage
from service.outbox.errors import DeliveryUnderWay
from service.outbox.operations.dead_letters import find_delivery, redeliver
from service.outbox.operations.dispatch import dispatch_some
from service.storage.transaction import Transaction
from tests.outbox.subscribing import (
    DEAD,
    TOPIC,
    Listener,
    dead_letter,
    deliver,
    deliveries,
    subscriber,
    write,
)
from tests.support.shop import Shop, a_few_at_once

SOMEBODY = Principal(Kind.ADMIN, "default", key_id="cli", name="cli:ada")


async def _both(shop: Shop, *, anew: bool) -> int:
    """Have a dead letter delivered again by two who saw it; return how often it was delivered."""
    await dead_letter(shop)
    listener = Listener()
    seen = await find_delivery(DEAD, None)
    await redeliver(seen, SOMEBODY, shop.clock)
    await deliver(shop.clock, subscriber(listener))
    await redeliver(await find_delivery(DEAD, None) if anew else seen, SOMEBODY, shop.clock)
    await deliver(shop.clock, subscriber(listener))
    return len(listener.got)


async def test_who_saw_a_dead_letter_has_nothing_repeated_that_was_delivered_since(
    shop: Shop,
) -> None:
    with pytest.raises(DeliveryUnderWay):
        await _both(shop, anew=False)


async def test_control_who_sees_that_it_was_delivered_has_it_repeated(shop: Shop) -> None:
    assert await _both(shop, anew=True) == 2


async def test_of_fifty_at_once_one_has_it_delivered_and_is_on_the_record(shop: Shop) -> None:
    await dead_letter(shop)
    listener = Listener()
    seen = await find_delivery(DEAD, None)

    async def again() -> bool:
        try:
            await redeliver(seen, SOMEBODY, shop.clock)
        except DeliveryUnderWay:
            return False
        await deliver(shop.clock, subscriber(listener))
        return True

    assert sum(await a_few_at_once([again() for _ in range(50)])) == 1
    assert listener.got == [f"{TOPIC}:1"]
    acts = {"action": "delivery.redelivered"}
    assert await shop.database["audit_log"].count_documents(acts) == 1


async def _killed_between_two_deliveries(shop: Shop, patch: pytest.MonkeyPatch) -> list[int]:
    """Dispatch half a message, have that half delivered again; return how often each heard it."""
    one, other = Listener(), Listener()
    hear = [subscriber(one, "a", always=True), subscriber(other, "b", always=True)]
    await write(shop)
    insert = repository.insert_deliveries

    async def half(rows: Any) -> None:
        await insert(rows[:1])
        raise InterruptedError

    patch.setattr(repository, "insert_deliveries", half)
    with pytest.raises(InterruptedError):
        await dispatch_some(hear, shop.clock)
    patch.setattr(repository, "insert_deliveries", insert)
    [row] = await deliveries(shop)
    await redeliver(await find_delivery(row["_id"], None), SOMEBODY, shop.clock)
    await deliver(shop.clock, *hear)
    return [len(one.got), len(other.got)]


async def test_what_is_redelivered_of_a_message_is_not_all_that_there_will_be_of_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _killed_between_two_deliveries(shop, monkeypatch) == [1, 1]


async def test_control_a_message_that_is_marked_by_it_is_lost_to_the_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def mark(one: Delivery, _: object, __: Clock, tx: Transaction) -> bool:
        change = {"$set": {"status": "dispatched"}}
        await OutboxMessage.get_pymongo_collection().update_one(
            {"_id": one.message_id}, change, session=tx.session
        )
        return True

    monkeypatch.setattr(repository, "keep_message", mark)
    assert await _killed_between_two_deliveries(shop, monkeypatch) == [1, 0]


async def _expected_while_another_is_born(shop: Shop, patch: pytest.MonkeyPatch) -> list[str]:
    """Dispatch while two processes have a subscriber each born; return who hears an older message.

    The second adds its row just when the first has given all the others their time.
    """
    await write(shop)
    give_birth = repository.give_birth

    async def giving() -> None:
        await give_birth()
        await repository.expect([repository.Heard("late", TOPIC, False)])

    patch.setattr(repository, "give_birth", giving)
    await dispatch_some([subscriber(Listener(), "early")], shop.clock)
    return [row["subscriber"] for row in await deliveries(shop)]


async def test_whose_row_came_after_the_messages_were_found_hears_none_of_them(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _expected_while_another_is_born(shop, monkeypatch) == []


async def test_control_without_a_time_of_birth_it_would_hear_them_all(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    births = repository.births

    async def always() -> Any:
        at_first = OutboxMessage.model_fields["written_at"].default
        return [
            one.model_copy(update={"born_at": one.born_at or at_first}) for one in await births()
        ]

    monkeypatch.setattr(repository, "births", always)
    assert await _expected_while_another_is_born(shop, monkeypatch) == ["late"]
