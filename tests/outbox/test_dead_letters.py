"""What was given up is listed, and delivered again by whoever may, on the record."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from service.core.principal import Kind
from service.outbox import repository
from service.outbox.operations.deliver import LEASE
from service.outbox.operations.messages import KEEP_FOR
from tests.outbox.subscribing import (
    DEAD,
    Listener,
    dead_letter,
    deliver,
    deliveries,
    subscriber,
    write,
)
from tests.support.api import ADMIN, SECRET
from tests.support.keys import issue_key
from tests.support.shop import Shop


async def _listed(shop: Shop, key: str = ADMIN, **query: Any) -> list[dict[str, Any]]:
    answer = await shop.api.call("GET", "/api/admin/deliveries", key, params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["deliveries"]
    return found


async def _again(shop: Shop, delivery_id: str = DEAD, key: str = ADMIN) -> Any:
    path = f"/api/admin/deliveries/{delivery_id}/redeliver"
    return await shop.api.call("POST", path, key)


async def _other(shop: Shop) -> str:
    return (await issue_key(shop.clock, Kind.ADMIN, merchant_id="other")).key


async def test_a_dead_letter_is_listed_and_delivered_again(shop: Shop) -> None:
    await dead_letter(shop)
    [dead] = await _listed(shop)
    assert (dead["id"], dead["status"], dead["error"]) == (DEAD, "dead", "not now")
    shop.pass_time(days=30)
    answer = await _again(shop)
    assert (answer.status_code, answer.json()["delivery"]["status"]) == (200, "pending")
    assert await _listed(shop) == []
    assert [one["id"] for one in await _listed(shop, status="pending")] == [DEAD]
    listener = Listener()
    assert await deliver(shop.clock, subscriber(listener)) == 1
    assert listener.got == ["test.topic:1"]


async def test_it_is_given_up_anew_only_after_its_whole_time_and_kept_for_it(shop: Shop) -> None:
    await dead_letter(shop)
    shop.pass_time(days=30)
    await _again(shop)
    await deliver(shop.clock, subscriber(Listener(failures=9)))
    [row] = await deliveries(shop)
    assert (row["status"], row["attempts"]) == ("pending", 2)
    [message] = await shop.messages("test.topic")
    assert row["purgeAt"] == message["purgeAt"] == shop.clock.now() + KEEP_FOR


async def test_what_is_kept_for_longer_already_is_not_deleted_earlier(shop: Shop) -> None:
    await dead_letter(shop)
    longer = shop.clock.now() + 2 * KEEP_FOR
    for collection in ("deliveries", "outbox"):
        await shop.database[collection].update_many({}, {"$set": {"purgeAt": longer}})
    assert (await _again(shop)).status_code == 200
    [row], [message] = await deliveries(shop), await shop.messages("test.topic")
    assert row["purgeAt"] == message["purgeAt"] == longer


async def test_what_is_done_is_delivered_again_by_its_id(shop: Shop) -> None:
    listener = Listener()
    hears = replace(subscriber(listener), always=True)
    await write(shop)
    await deliver(shop.clock, hears)
    assert (await _again(shop)).status_code == 200
    await deliver(shop.clock, hears)
    assert len(listener.got) == 2


async def test_what_was_done_by_another_way_too(shop: Shop) -> None:
    await dead_letter(shop)
    about = repository.About("test.topic", "default", "s-1")
    await repository.note_delivered(about, shop.clock.now())
    await _again(shop)
    listener = Listener()
    assert await deliver(shop.clock, subscriber(listener)) == 1
    assert listener.got == ["test.topic:1"]


async def test_what_waits_is_due_now(shop: Shop) -> None:
    hears = replace(subscriber(Listener(failures=1)), always=True)
    await write(shop)
    await deliver(shop.clock, hears)
    assert await deliver(shop.clock, hears) == 0
    await _again(shop)
    assert await deliver(shop.clock, hears) == 1


async def test_what_is_being_delivered_is_left_to_who_is_at_it(shop: Shop) -> None:
    hears = replace(subscriber(Listener(failures=1)), always=True)
    await write(shop)
    await deliver(shop.clock, hears)
    shop.pass_time(seconds=2)
    assert await repository.claim("test:", 1, LEASE, shop.clock) is not None
    answer = await _again(shop)
    assert (answer.status_code, answer.json()["error"]) == (409, "delivery_under_way")
    shop.clock.advance(LEASE + timedelta(seconds=1))
    assert (await _again(shop)).status_code == 200


async def test_without_its_message_nothing_is_changed(shop: Shop) -> None:
    await dead_letter(shop)
    await shop.database["outbox"].delete_many({})
    answer = await _again(shop)
    assert (answer.status_code, answer.json()["error"]) == (409, "message_gone")
    assert [row["status"] for row in await deliveries(shop)] == ["dead"]


async def test_what_lost_its_message_is_not_delivered(shop: Shop) -> None:
    hears = replace(subscriber(Listener(failures=1)), always=True)
    await write(shop)
    await deliver(shop.clock, hears)
    await shop.database["outbox"].delete_many({})
    shop.pass_time(seconds=2)
    assert await deliver(shop.clock, hears) == 0
    [row] = await deliveries(shop)
    assert "Its message is gone" in row["error"]


@pytest.mark.parametrize(
    ("owner", "merchants_own", "operators"), [("other", [DEAD], [DEAD]), ("default", [], [DEAD])]
)
async def test_a_merchant_sees_its_own_and_an_operator_all(
    shop: Shop, owner: str, merchants_own: list[str], operators: list[str]
) -> None:
    await dead_letter(shop, owner)
    assert [one["id"] for one in await _listed(shop, await _other(shop))] == merchants_own
    assert [one["id"] for one in await _listed(shop)] == operators
    assert [one["id"] for one in await _listed(shop, merchant=owner)] == operators
    found = await _again(shop, key=await _other(shop))
    assert found.status_code == (200 if merchants_own else 404)


async def test_the_trail_of_its_merchant_says_who_had_it_delivered_again(shop: Shop) -> None:
    await dead_letter(shop, "other")
    await _again(shop)
    trail = (await shop.admin("GET", "/audit?merchant=other")).json()["entries"]
    [entry] = [one for one in trail if one["action"] == "delivery.redelivered"]
    assert entry["actor"].startswith("admin:operator:")
    assert (entry["object"], entry["detail"]) == (f"delivery:{DEAD}", {"was": "dead"})


async def test_a_page_is_followed_by_the_next(shop: Shop) -> None:
    hears = replace(subscriber(Listener(failures=9)), always=True)
    await write(shop, "1", "2", "3")
    await deliver(shop.clock, hears)
    await shop.database["deliveries"].update_many({}, {"$set": {"status": "dead"}})
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        answer = await shop.admin("GET", "/deliveries", params={"limit": 1, **cursor})
        seen += [one["id"] for one in answer.json()["deliveries"]]
        cursor = {"cursor": answer.json()["nextCursor"]}
    assert (sorted(seen), cursor) == ([f"test.topic:{n}:test" for n in (1, 2, 3)], {"cursor": None})
    assert await _listed(shop, subscriber="another") == []


async def test_another_kind_of_key_is_refused(shop: Shop) -> None:
    answer = await shop.api.call("GET", "/api/admin/deliveries", SECRET)
    assert answer.status_code == 403
