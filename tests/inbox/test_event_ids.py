"""One genuine body of Razorpay's is one event: its id is the hash of what was signed."""

from hashlib import sha256

import pytest

from service.providers.razorpay import adapter
from service.providers.razorpay.verify import EVENT_ID_HEADER
from tests.support.events import Delivery, razorpay_captured
from tests.support.shop import Shop


def _named(delivery: Delivery, name: str) -> Delivery:
    return Delivery(delivery.provider, delivery.body, {**delivery.headers, EVENT_ID_HEADER: name})


async def test_one_genuine_body_under_ever_new_names_makes_one_row(shop: Shop) -> None:
    captured = razorpay_captured(await shop.api.open(paymentMethod="razorpay"))
    for place in range(20):
        told = await shop.api.told(_named(captured, f"ev{place}"))
        assert told["duplicate"] is (place > 0)
    [row] = await shop.events()
    assert row["eventId"] == sha256(captured.body).hexdigest()
    [listed] = (await shop.admin("GET", "/webhook-events")).json()["events"]
    assert (listed["eventId"], listed["providerEventId"]) == (row["eventId"], "ev0")

    replayed = await shop.admin("POST", f"/webhook-events/{row['_id']}/replay")
    assert replayed.status_code == 200, replayed.text
    assert [row["providerEventId"] for row in await shop.events()] == ["ev0"]


async def test_control_with_the_header_as_the_key_each_name_makes_a_row(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = iter(["ev0", "ev1", "ev2"])
    monkeypatch.setattr(adapter, "event_id_of", lambda _: next(names))
    captured = razorpay_captured(await shop.api.open(paymentMethod="razorpay"))
    for place in range(3):
        assert (await shop.api.told(_named(captured, f"ev{place}")))["duplicate"] is False
    assert len(await shop.events()) == 3
