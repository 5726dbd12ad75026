"""What settings decide about leads: how many from one address, and whether it is kept."""

from service.core.clock import ManualClock
from service.storage.database import Database
from tests.intents.leaving import get, leave, post
from tests.support.settings import make_settings
from tests.support.shop import open_shop

PROXIED = {"X-Forwarded-For": "203.0.113.7"}


async def test_an_address_leaves_so_many_a_minute(database: Database, clock: ManualClock) -> None:
    limited = make_settings(RATE_LIMIT_PER_ADDRESS="3", TRUSTED_PROXIES="127.0.0.1")
    async with open_shop(limited, database, clock) as shop:
        answers = [(await post(shop.api, headers=PROXIED)).status_code for _ in range(5)]
        assert answers == [201, 201, 201, 429, 429]
        other = await post(shop.api, headers={"X-Forwarded-For": "203.0.113.8"})
        assert other.status_code == 201
        shop.pass_time(minutes=1)
        assert (await post(shop.api, headers=PROXIED)).status_code == 201
    # Control: where it is off, nobody counts.
    async with open_shop(make_settings(RATE_LIMIT_PER_ADDRESS="0"), database, clock) as shop:
        assert {(await post(shop.api)).status_code for _ in range(5)} == {201}


async def test_an_address_is_kept_where_that_is_set(database: Database, clock: ManualClock) -> None:
    for kept, shown in (("true", True), ("", False)):
        settings = make_settings(INTENT_KEEP_ADDRESSES=kept, TRUSTED_PROXIES="127.0.0.1")
        async with open_shop(settings, database, clock) as shop:
            left = await leave(shop.api, headers=PROXIED)
            row = await database["payment_intents"].find_one({"_id": left["paymentIntentId"]})
            assert row is not None
            assert (row["ipAddress"] == "203.0.113.7") is shown
            assert (row["ipAddress"] is None) is not shown
            [told, *_] = (await get(shop.api, "query", limit=1))["intents"]
            assert told["ipAddress"]
            assert (told["ipAddress"] == "203.0.113.7") == (told["id"] == row["_id"] and shown)
            await database["payment_intents"].delete_many({})


async def test_a_lead_is_kept_for_as_long_as_is_set(database: Database, clock: ManualClock) -> None:
    async with open_shop(make_settings(INTENT_RETENTION_DAYS="2"), database, clock) as shop:
        await leave(shop.api)
        [row] = await database["payment_intents"].find({}).to_list()
        assert (row["purgeAt"] - row["createdAt"]).days == 2
