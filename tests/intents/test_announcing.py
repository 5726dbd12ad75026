"""A lead and the message about it are one write, where somebody hears of leads."""

from typing import Any

import pytest
from msgspec.structs import replace

from service.core.errors import Unavailable
from service.intents import repository
from service.intents.operations.follow import follow_intent
from service.intents.operations.leave import TOPIC, NewIntent, leave_intent
from service.intents.operations.services import IntentServices
from service.storage.database import Row
from service.storage.transaction import Transaction
from tests.intents.leaving import leave
from tests.support.api import ADMIN
from tests.support.shop import Shop

NEW = NewIntent(plan_name="Premium", amount="29.99", user_email="a@example.com")


def _heard(shop: Shop) -> IntentServices:
    def hears(merchant_id: str, topic: str) -> bool:
        return (merchant_id, topic) == ("default", TOPIC)

    return replace(shop.api.container.intents, heard=hears)


async def _messages(shop: Shop) -> list[dict[str, Any]]:
    return await shop.database["outbox"].find({"topic": TOPIC}).to_list()


async def test_a_lead_that_somebody_hears_of_is_announced(shop: Shop) -> None:
    left = await leave_intent(NEW, "default", _heard(shop))
    assert left.announced
    [told] = await _messages(shop)
    assert told["payload"] == {
        "intentId": left.intent_id,
        "planName": "Premium",
        "amount": 2999,
        "currency": "USD",
        "journeyId": left.session_id,
        "hasEmail": True,
    }
    # No address goes out, and nothing at all where nobody hears, or of a bot.
    assert "example.com" not in str(told)
    await leave(shop.api)
    await leave_intent(replace(NEW, is_bot=True), "default", _heard(shop))
    assert len(await _messages(shop)) == 1
    assert await shop.database["payment_intents"].count_documents({}) == 2


async def test_an_endpoint_that_hears_leads_has_them_announced(shop: Shop) -> None:
    await leave(shop.api)
    hook = {"url": "http://127.0.0.1:9/hook", "events": ["intent.*"]}
    added = await shop.api.call("POST", "/api/webhook-endpoints", ADMIN, json=hook)
    assert added.status_code == 201, added.text
    await shop.api.container.endpoints.endpoints.refresh(0)
    lead = await leave(shop.api)
    assert [told["payload"]["intentId"] for told in await _messages(shop)] == [
        lead["paymentIntentId"]
    ]


async def test_a_lead_without_its_message_is_not_kept(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(row: Row, tx: Transaction) -> None:
        await insert(row, tx)
        raise Unavailable("The database can't answer now; try again.")

    insert = repository.insert_within
    monkeypatch.setattr(repository, "insert_within", fail)
    with pytest.raises(Unavailable):
        await leave_intent(NEW, "default", _heard(shop))
    assert await shop.database["payment_intents"].count_documents({}) == 0
    assert await _messages(shop) == []


async def test_a_sale_does_not_wait_for_its_lead(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: str) -> None:
        raise Unavailable("The database can't answer now; try again.")

    monkeypatch.setattr(repository, "note_followed", fail)
    lead = (await leave(shop.api))["paymentIntentId"]
    session = await shop.api.open(intentId=lead)
    assert session["intentId"] == lead
    monkeypatch.undo()
    # The same call again makes good for it.
    await follow_intent("default", lead, session["sessionId"])
    [row] = await shop.database["payment_intents"].find({}).to_list()
    assert row["followedBy"] == [session["sessionId"]]


async def test_a_lead_of_another_merchant_is_not_touched(shop: Shop) -> None:
    lead = (await leave(shop.api))["paymentIntentId"]
    await follow_intent("other", lead, "s-1")
    [row] = await shop.database["payment_intents"].find({}).to_list()
    assert row["followedBy"] == []
