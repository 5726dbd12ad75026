"""Events that a merchant's own server tracks are a series of their own."""

from typing import Any

import pytest

from tests.analytics.test_now import BASE, asked
from tests.payments.history.rows import pay
from tests.support.api import ADMIN, PUBLISHABLE, SECRET
from tests.support.shop import Shop

PATH = f"{BASE}/events"


async def _track(shop: Shop, key: str = SECRET, answered: int = 201, **body: Any) -> dict[str, Any]:
    answer = await shop.api.call("POST", PATH, key, json=body)
    assert answer.status_code == answered, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_tracked_events_are_counted_and_add_to_no_money(shop: Shop) -> None:
    await pay("pi_1", amount=500)
    money = {"amount": 100, "currency": "USD"}
    settled = {"type": "payment", "status": "settled", "transactionId": "tx_123", **money}
    told = await _track(shop, **settled, metadata={"a": 1})
    assert told["success"] is True
    assert told["eventId"]
    page = {"type": "resource_access", "resourceUrl": "https://api.example.com/premium"}
    for who in ("t1ada", "t1ada", "t1bob"):
        await _track(shop, ADMIN, **page, clientAddress=who, **money)
    await _track(shop, type="unique_payer", clientAddress="t1cleo")
    shop.pass_time(minutes=1)
    found = await asked(shop, "events", days=1)
    counts = {
        (one["type"], one["status"]): (one["count"], one["amount"]) for one in found["events"]
    }
    assert counts == {
        ("payment", "settled"): (1, 100),
        ("resource_access", None): (3, 300),
        ("unique_payer", None): (1, 0),
    }
    assert found["resources"] == [
        {"url": "https://api.example.com/premium", "count": 3, "uniquePayers": 2}
    ]
    assert found["uniquePayers"] == 3
    now = (await asked(shop, "realtime"))["metrics"]["today"]
    assert (now["revenue"], now["transactionCount"]) == (500, 1)
    assert "t1ada" not in str(await shop.database["figures_events"].find({}).to_list())


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "refund"},
        {"type": "payment", "amount": 0.1},
        {"type": "payment", "status": "lost"},
        {"type": "payment", "more": 1},
    ],
)
async def test_what_can_not_be_tracked_is_told(shop: Shop, body: dict[str, Any]) -> None:
    await _track(shop, answered=400, **body)


async def test_browsers_track_nothing(shop: Shop) -> None:
    await _track(shop, PUBLISHABLE, 403, type="payment")
