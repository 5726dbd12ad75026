"""What becomes of an endpoint: its secrets, its order, and when it is given up."""

from datetime import UTC, datetime

import pytest
from standardwebhooks import WebhookVerificationError

from service.notifications.endpoints.operations.browse import disabled_endpoints
from service.notifications.endpoints.operations.changing import (
    Wish,
    change_endpoint,
    remove_endpoint,
    rotate_secret,
)
from service.outbox.documents import OutboxMessage
from tests.notifications.receivers import answers, answers_in_turn, receiving
from tests.notifications.telling import (
    OPERATOR,
    endpoint,
    fan_out,
    send,
    sent,
    services_of,
    tell,
    verified,
)
from tests.support.shop import Shop


@pytest.fixture
def now(shop: Shop) -> None:
    """The library that verifies has its own clock."""
    shop.clock.advance(datetime.now(UTC) - shop.clock.now())


@pytest.mark.usefixtures("now")
async def test_a_rotated_secret_signs_beside_the_new_one_for_a_day(shop: Shop) -> None:
    async with receiving() as receiver:
        told = await endpoint(shop, receiver.url())
        new = await rotate_secret(services_of(shop), told.endpoint.id, OPERATOR)
        await tell(shop, "during")
        await send(shop)
        (got,) = receiver.got
        verified(got, told.secret)
        verified(got, new.secret)
        shop.pass_time(hours=25)
        await tell(shop, "after")
        await send(shop)
    signatures = [len(one.headers["webhook-signature"].split(" ")) for one in receiver.got]
    assert signatures == [2, 1]


@pytest.mark.usefixtures("now")
async def test_an_event_that_waits_is_signed_with_the_secrets_of_when_it_is_sent(
    shop: Shop,
) -> None:
    async with receiving(answers_in_turn(answers(500), answers())) as receiver:
        told = await endpoint(shop, receiver.url())
        await tell(shop)
        await send(shop)
        new = await rotate_secret(services_of(shop), told.endpoint.id, OPERATOR)
        shop.pass_time(seconds=5)
        await send(shop)
    first, second = receiver.got
    with pytest.raises(WebhookVerificationError):
        verified(first, new.secret)
    assert verified(second, new.secret) == verified(second, told.secret)


async def test_a_delivery_names_the_version_that_its_endpoint_was_made_for(shop: Shop) -> None:
    async with receiving() as receiver:
        told = await endpoint(shop, receiver.url())
        row = {"_id": told.endpoint.id}
        await shop.database["webhook_endpoints"].update_one(
            row, {"$set": {"version": "2031-01-01"}}
        )
        await tell(shop)
        await send(shop)
    assert receiver.got[0].headers["tillgate-version"] == "2031-01-01"


async def test_secrets_and_headers_are_stored_sealed(shop: Shop) -> None:
    async with receiving() as receiver:
        told = await endpoint(shop, receiver.url(), headers={"Authorization": "Bearer hunter2"})
        await tell(shop)
        await send(shop)
    assert receiver.got[0].headers["authorization"] == "Bearer hunter2"
    stored = str(await shop.database["webhook_endpoints"].find_one())
    assert told.secret.removeprefix("whsec_") not in stored
    assert "hunter2" not in stored
    trail = str(await shop.database["audit_log"].find().to_list())
    assert "hunter2" not in trail
    assert told.secret not in trail


async def test_an_endpoint_that_is_gone_is_disabled_and_what_waits_is_canceled(
    shop: Shop,
) -> None:
    async with receiving(answers(410)) as receiver:
        told = await endpoint(shop, receiver.url(), ordered=True)
        await tell(shop, "1")
        await tell(shop, "2")
        await send(shop)
        await tell(shop, "3")
        assert await send(shop) == 0
    assert [row["status"] for row in await sent(shop)] == ["failed", "canceled"]
    (found,) = await disabled_endpoints()
    assert found.id == told.endpoint.id
    assert found.disabled is not None
    assert found.disabled.reason == "gone"
    acts = [row["action"] for row in await shop.database["audit_log"].find().to_list()]
    assert acts == ["endpoint.added", "endpoint.disabled"]


async def test_a_merchant_with_a_hundred_dead_endpoints_hides_nobody_elses(shop: Shop) -> None:
    async with receiving(answers(410)) as receiver:
        told = await endpoint(shop, receiver.url())
        await tell(shop)
        await send(shop)
    rows = shop.database["webhook_endpoints"]
    (row,) = await rows.find().to_list()
    many = [row | {"_id": f"we_0{one:03}", "merchantId": "greedy"} for one in range(150)]
    await rows.insert_many(many)
    found = await disabled_endpoints()
    assert told.endpoint.id in {one.id for one in found}
    assert sum(one.merchant_id == "greedy" for one in found) == 20


async def test_one_that_fails_for_five_days_is_disabled_and_one_that_recovers_is_not(
    shop: Shop,
) -> None:
    recovering = answers_in_turn(answers(500), answers(), answers(500))
    async with receiving(answers(500)) as failing, receiving(recovering) as recovers:
        await endpoint(shop, failing.url(), description="failing")
        await endpoint(shop, recovers.url(), description="recovers")
        for day in range(6):
            await tell(shop, f"day {day}")
            await send(shop)
            assert day < 5 or [one.description for one in await disabled_endpoints()]
            shop.pass_time(days=1)
    (found,) = await disabled_endpoints()
    assert found.description == "failing"
    assert found.disabled is not None
    assert found.disabled.reason == "failing"


async def test_one_that_is_enabled_again_hears_what_is_written_from_then_on(shop: Shop) -> None:
    async with receiving(answers_in_turn(answers(410), answers())) as receiver:
        told = await endpoint(shop, receiver.url())
        await tell(shop, "1")
        await send(shop)
        await change_endpoint(services_of(shop), told.endpoint.id, Wish(enabled=True), OPERATOR)
        await tell(shop, "too early")
        shop.pass_time(seconds=10)
        await tell(shop, "2")
        await send(shop)
    assert len(receiver.got) == 2


async def test_one_that_is_removed_hears_nothing_more(shop: Shop) -> None:
    async with receiving() as receiver:
        told = await endpoint(shop, receiver.url())
        await tell(shop)
        await remove_endpoint(services_of(shop), told.endpoint.id, OPERATOR)
        await send(shop)
        await tell(shop, "2")
        await send(shop)
    assert receiver.got == []
    (row,) = await sent(shop)
    assert row["status"] == "canceled"
    stored = await shop.database["webhook_endpoints"].find_one()
    assert stored is not None
    assert stored["secrets"] == []


async def test_in_order_an_event_waits_for_the_one_before_it_in_its_session(shop: Shop) -> None:
    async with receiving(answers_in_turn(answers(500), answers())) as receiver:
        await endpoint(shop, receiver.url(), ordered=True)
        for key in ("1", "2", "3"):
            await tell(shop, key)
        await tell(shop, "other", session="s-2")
        await send(shop)
        rows = await sent(shop)
        first = [row["eventId"] for row in rows if row["sessionId"] == "s-1"]
        shop.pass_time(seconds=6)
        await send(shop)
        shop.pass_time(seconds=3)
        await send(shop)
    of_the_session = [got.id for got in receiver.got if got.id in first]
    assert of_the_session == [first[0], *first]


async def test_control_without_order_the_others_do_not_wait(shop: Shop) -> None:
    async with receiving(answers_in_turn(answers(500), answers())) as receiver:
        await endpoint(shop, receiver.url())
        for key in ("1", "2", "3"):
            await tell(shop, key)
        await send(shop)
    assert len(receiver.times()) == 3


async def test_an_earlier_event_that_was_not_fanned_out_yet_goes_first(shop: Shop) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url(), ordered=True)
        await tell(shop, "1")
        await shop.database["webhook_deliveries"].delete_many({})
        await tell(shop, "2")
        await send(shop)
    messages = OutboxMessage.get_pymongo_collection()
    assert await messages.count_documents({}) == 2
    rows = await sent(shop)
    assert [got.id for got in receiver.got] == [row["eventId"] for row in rows]
    assert len(rows) == 2


async def test_an_event_with_its_object_has_the_session_as_it_stands(shop: Shop) -> None:
    session = await shop.api.open()
    async with receiving() as receiver:
        await endpoint(shop, receiver.url(), thin=False)
        await tell(shop, session=session["sessionId"])
        await send(shop)
    body = receiver.got[0].body
    assert b'"object":{"sessionId":"' + session["sessionId"].encode() in body
    assert b"clientSecret" not in body


async def test_fanning_out_twice_makes_no_second_delivery(shop: Shop) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop)
        again = {"$set": {"status": "pending", "nextAttemptAt": shop.clock.now()}}
        await shop.database["deliveries"].update_many({}, again)
        await fan_out(shop)
        await send(shop)
    assert list(receiver.times().values()) == [1]
