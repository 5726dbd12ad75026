"""What endpoints cost: no collection is read whole, and little is asked however many there are."""

import asyncio
from datetime import timedelta
from typing import Any

from service.core.peppers import read_pepper
from service.notifications.endpoints.operations.browse import disabled_endpoints
from service.notifications.endpoints.operations.known import Endpoints
from service.notifications.endpoints.operations.sealing import Sealer
from service.notifications.endpoints.operations.sending_missed import walk_since
from service.notifications.endpoints.repository.endpoints import count_sealed_under
from service.storage.database import Row
from service.storage.paging import EXAMINED
from tests.notifications.receivers import answers, answers_in_turn, receiving
from tests.notifications.telling import OPERATOR, endpoint, fan_out, send, services_of, tell
from tests.support.api import ADMIN
from tests.support.profiled import profiled
from tests.support.shop import Shop

PATH = "/api/webhook-endpoints"
OURS = ("webhook_endpoints", "webhook_deliveries")


def _of_ours(done: list[Row]) -> list[Row]:
    return [row for row in done if row["ns"].partition(".")[2] in OURS]


async def _ask(shop: Shop, method: str, path: str, **options: Any) -> Any:
    answer = await shop.api.call(method, f"{PATH}{path}", ADMIN, **options)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


async def test_neither_routes_nor_the_sender_read_a_collection_whole(shop: Shop) -> None:
    turns = answers_in_turn(answers(500), answers())
    async with receiving(turns) as receiver, profiled(shop.database) as done:
        told = await endpoint(shop, receiver.url(), ordered=True)
        one = f"/{told.endpoint.id}"
        await tell(shop, "1")
        await tell(shop, "2")
        await send(shop)
        await _ask(shop, "GET", "?limit=1")
        await _ask(shop, "GET", one)
        for query in ("?limit=1", "?status=pending", "?status=delivered&limit=1"):
            page = await _ask(shop, "GET", f"{one}/deliveries{query}")
            if page["nextCursor"]:
                after = f"{query}&cursor={page['nextCursor']}"
                await _ask(shop, "GET", f"{one}/deliveries{after}")
        await _ask(shop, "POST", f"{one}/test")
        event = {"eventId": page["deliveries"][0]["eventId"] if page["deliveries"] else None}
        for body in (event, {"since": "2026-01-01T00:00:00Z"}):
            if any(body.values()):
                await _ask(shop, "POST", f"{one}/resend", json=body)
        await disabled_endpoints()
        await _ask(shop, "DELETE", one)
    ours = _of_ours(done)
    assert len(ours) > 20
    assert [row["command"] for row in ours if "COLLSCAN" in row.get("planSummary", "")] == []


async def test_a_hundred_deliveries_to_ten_endpoints_take_a_few_commands(shop: Shop) -> None:
    async with receiving() as receiver:
        for _ in range(10):
            await endpoint(shop, receiver.url())
        await tell(shop, *(f"{n:02}" for n in range(10)))
        async with profiled(shop.database) as done:
            assert await send(shop) == 100
    asked = [row for row in _of_ours(done) if row["op"] in {"query", "command"}]
    claims = [row for row in asked if row["ns"].endswith("webhook_deliveries")]
    assert len(claims) <= 3
    assert len(receiver.got) == 100


async def test_sending_again_since_a_time_looks_at_few_messages_of_others_and_passes_none_by(
    shop: Shop,
) -> None:
    since = shop.clock.now()
    async with receiving() as receiver:
        told = await endpoint(shop, receiver.url())
        await tell(shop, "ours")
        outbox = shop.database["outbox"]
        (row,) = await outbox.find().to_list()
        late = {"createdAt": row["createdAt"], "purgeAt": row["purgeAt"]}
        step = timedelta(milliseconds=1)
        others = [
            row | {"_id": f"x:{n}", "merchantId": "shop-2", "purgeAt": late["purgeAt"] - step * n}
            for n in range(1, 2 * EXAMINED)
        ]
        await outbox.insert_many(others)
        await shop.database["webhook_deliveries"].delete_many({})
        counts = []
        async with profiled(shop.database) as done:
            async for resent in walk_since(services_of(shop), told.endpoint.id, since, OPERATOR):
                counts.append(resent.count)
    assert counts == [0, 1]
    asked = [one for one in done if one["ns"].endswith(".outbox")]
    assert max(one.get("keysExamined", 0) for one in asked) <= EXAMINED + 2
    assert max(one.get("docsExamined", 0) for one in asked) <= EXAMINED


async def test_what_is_sealed_under_an_older_pepper_is_counted_until_it_is_sealed_anew(
    shop: Shop,
) -> None:
    async with receiving() as receiver:
        told = await endpoint(shop, receiver.url(), headers={"X-Key": "value"})
    (used,) = services_of(shop).sealer._by_id
    assert await count_sealed_under([used], shop.clock.now()) == 1
    assert await count_sealed_under(["another"], shop.clock.now()) == 0
    assert await count_sealed_under([], shop.clock.now()) == 0
    other = read_pepper("new:a-newer-pepper-of-32-characters-00")
    pepper = services_of(shop).sealer._newest
    both, newer = Sealer([other, pepper]), Sealer([other])
    sealed = told.endpoint.secrets[0].sealed
    assert both.open(told.endpoint.id, sealed) == told.secret
    assert newer.open("we_1", newer.seal("we_1", "text")) == "text"


async def test_without_endpoints_a_look_asks_for_changes_and_for_nothing_else(shop: Shop) -> None:
    await fan_out(shop)
    endpoints = services_of(shop).endpoints
    assert endpoints.is_empty
    async with profiled(shop.database) as done:
        await endpoints.refresh(0)
    (row,) = _of_ours(done)
    assert "changedAt" in str(row["command"]["filter"])
    assert row["docsExamined"] == 0


async def test_what_is_named_by_its_ids_is_changed_without_a_trial_of_other_indexes(
    shop: Shop,
) -> None:
    """A trial costs mongod a third of what each delivery does, whenever enough has changed."""
    async with receiving() as receiver:
        for _ in range(10):
            await endpoint(shop, receiver.url())
        async with profiled(shop.database) as done:
            for key in range(3):
                await tell(shop, str(key))
                assert await send(shop) == 10
    named = [
        row for row in done if row["op"] == "update" and row["ns"].endswith(".webhook_deliveries")
    ]
    assert len(named) >= 3 * 2  # taken and kept
    assert {row["planSummary"] for row in named} == {"IXSCAN { _id: 1 }"}
    assert [row for row in named if row.get("fromMultiPlanner")] == []


async def test_many_who_need_the_endpoints_at_once_read_them_once(shop: Shop) -> None:
    endpoints = Endpoints(shop.clock)
    await endpoints.refresh()
    async with profiled(shop.database) as done:
        await asyncio.gather(*(endpoints.refresh(1e-9) for _ in range(8)))
    assert len(_of_ours(done)) == 1


async def test_control_who_wants_them_as_they_are_now_reads_them(shop: Shop) -> None:
    endpoints = Endpoints(shop.clock)
    async with profiled(shop.database) as done:
        await asyncio.gather(*(endpoints.refresh(0) for _ in range(8)))
    assert len(_of_ours(done)) == 8
