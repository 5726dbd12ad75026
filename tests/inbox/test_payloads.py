"""The stored payload of an event: for a key with that scope, on the record, without what is cut."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.storage.database import Database
from tests.support.api import ADMIN, SECRET
from tests.support.events import Delivery
from tests.support.settings import make_settings
from tests.support.shop import Shop, open_shop


@pytest_asyncio.fixture
async def stripping(database: Database, clock: ManualClock) -> AsyncIterator[Shop]:
    """A shop that keeps no email address in its inbox."""
    settings = make_settings(STRIP_PAYLOAD_FIELDS="email")
    async with open_shop(settings, database, clock) as opened:
        yield opened


async def _delivered(shop: Shop, amount: int = 1000) -> tuple[str, Delivery]:
    session = await shop.api.open()
    delivery = shop.stripe_paid(session, amount_total=amount, receipt={"email": "ada@b.example"})
    await shop.receive(delivery)
    [row] = await shop.events()
    return row["_id"], delivery


async def _read(shop: Shop, event_id: str, key: str = ADMIN) -> Any:
    return await shop.api.call("GET", f"/api/admin/webhook-events/{event_id}/payload", key)


async def test_it_is_what_the_provider_posted_byte_for_byte_and_each_look_is_on_the_record(
    shop: Shop,
) -> None:
    event_id, delivery = await _delivered(shop)
    answer = (await _read(shop, event_id)).json()
    assert answer["payload"].encode() == delivery.body
    assert (answer["whole"], answer["encoding"]) == (True, "utf-8")
    assert answer["size"] == len(delivery.body)
    [entry] = await shop.database["audit_log"].find({"action": "event.payload_read"}).to_list()
    assert entry["object"] == f"event:{event_id}"


async def test_other_keys_and_other_events_show_nothing(shop: Shop) -> None:
    event_id, _ = await _delivered(shop)
    assert (await _read(shop, event_id, SECRET)).status_code == 403
    assert (await _read(shop, "stripe:default:test:evt_none")).status_code == 404
    assert await shop.database["audit_log"].count_documents({"action": "event.payload_read"}) == 0


@pytest.mark.parametrize(("amount", "status"), [(1000, "processed"), (1, "review")])
async def test_what_is_stripped_is_shown_to_nobody_also_while_it_is_still_kept(
    stripping: Shop, amount: int, status: str
) -> None:
    event_id, _ = await _delivered(stripping, amount)
    [row] = await stripping.events()
    assert row["status"] == status
    assert (b"ada@b.example" in row["payload"]) is (status == "review")
    answer = (await _read(stripping, event_id)).json()
    assert "ada@b.example" not in answer["payload"]
    assert answer["whole"] is False
    assert json.loads(answer["payload"])["data"]["object"]["amount_total"] == amount


async def test_control_without_the_stripping_it_is_shown(shop: Shop) -> None:
    event_id, _ = await _delivered(shop)
    assert "ada@b.example" in (await _read(shop, event_id)).json()["payload"]


async def test_bytes_that_are_no_text_are_shown_in_base64(shop: Shop) -> None:
    event_id, _ = await _delivered(shop)
    events = shop.database["webhook_events"]
    await events.update_one({"_id": event_id}, {"$set": {"payload": b"\xff\x00"}})
    answer = (await _read(shop, event_id)).json()
    assert (answer["encoding"], base64.b64decode(answer["payload"])) == ("base64", b"\xff\x00")
