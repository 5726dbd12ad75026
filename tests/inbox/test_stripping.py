"""Named fields leave a stored payload once it is done, and a replay does the same as before."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from service.core.clock import ManualClock
from service.core.errors import Misconfigured
from service.inbox.operations import keeping
from service.inbox.operations.stripping import strip_payload
from service.storage.database import Database, Row
from tests.support.events import phonepe_callback, stripe_checkout
from tests.support.settings import make_settings
from tests.support.shop import Shop, open_shop

NAMES = "email,data.object.customer_details,data.*.shipping.phone,utr"
ADA = {"customer_details": {"name": "Ada", "address": "1 Way"}, "receipt": {"email": "a@b.example"}}


@pytest_asyncio.fixture
async def shop(database: Database, clock: ManualClock) -> AsyncIterator[Shop]:
    """A shop that keeps nothing of Ada in its inbox."""
    settings = make_settings(STRIP_PAYLOAD_FIELDS=NAMES)
    async with open_shop(settings, database, clock) as opened:
        yield opened


async def _event(shop: Shop, session: dict[str, Any], **fields: Any) -> str:
    """Deliver that a session was paid, by Ada; return the outcome."""
    paid = shop.stripe_paid(session, **ADA, **fields)
    outcome: str = (await shop.api.told(paid))["outcome"]
    return outcome


async def _row(shop: Shop) -> Row:
    [row] = await shop.events()
    return row


async def test_a_done_payload_loses_the_fields_and_is_replayed_from_the_facts(shop: Shop) -> None:
    session = await shop.api.open(currency="USD")
    assert await _event(shop, session) == "processed"
    row = await _row(shop)
    kept = json.loads(row["payload"])["data"]["object"]
    assert "customer_details" not in kept
    assert kept["receipt"] == {}
    assert kept["amount_total"] == 1000
    before = await shop.outcome(session["sessionId"])
    # As if nothing of it had been applied: all comes back from what was read when it came.
    await shop.database["payments"].delete_many({})
    fresh = {"status": "pending", "completedAt": None, "providerPaymentId": None, "history": []}
    await shop.database["sessions"].update_one({}, {"$set": fresh | {"checkoutIds": []}})
    replayed = await shop.admin("POST", f"/webhook-events/{row['_id']}/replay")
    assert replayed.json()["outcome"] == "processed", replayed.text
    [payment] = await shop.payments()
    assert (payment["status"], payment["amount"]) == ("succeeded", 1000)
    assert '"status": "completed"' in before
    assert (await shop.session(session["sessionId"]))["status"] == "completed"
    again = await _row(shop)
    assert (again["payload"], again["cut"]) == (row["payload"], row["cut"])


async def test_what_waits_keeps_its_payload_until_it_is_done(shop: Shop) -> None:
    assert await _event(shop, {"sessionId": "later", "amount": 1000, "currency": "USD"}) == "parked"
    assert b"Ada" in (await _row(shop))["payload"]
    await shop.api.open(sessionId="later", currency="USD")
    shop.pass_time(seconds=60)
    await shop.api.settle()
    row = await _row(shop)
    assert row["status"] == "processed"
    assert b"Ada" not in row["payload"]


async def test_a_review_keeps_it_until_it_is_decided(shop: Shop) -> None:
    session = await shop.api.open(currency="USD")
    assert await _event(shop, session, amount_total=900) == "review"
    row = await _row(shop)
    assert b"Ada" in row["payload"]
    why = {"reason": "another amount"}
    rejected = await shop.admin("POST", f"/reviews/{row['_id']}/reject", json=why)
    assert rejected.status_code == 200, rejected.text
    row = await _row(shop)
    assert b"Ada" not in row["payload"]
    assert row["cut"]["subject"]


_ADAS = {"email": "ada@b.example"}


async def _told(shop: Shop, kind: str, session: dict[str, Any]) -> None:
    await shop.api.told(shop.razorpay(kind, session, amount=900, **_ADAS))


async def test_a_review_whose_capture_is_awaited_keeps_it_until_the_money_has_come(
    shop: Shop,
) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    await _told(shop, "payment.authorized", session)
    row = await _row(shop)
    accepted = await shop.admin("POST", f"/reviews/{row['_id']}/accept", json={"reason": "seen"})
    assert accepted.json()["session"]["review"]["reason"] == "awaiting_capture", accepted.text
    row = await _row(shop)
    assert b"ada@" in row["payload"]  # its capture may be refused, and it is open again then
    assert row["cut"] is None
    await _told(shop, "payment.captured", session)
    payloads = [row["payload"] for row in await shop.events()]
    assert len(payloads) == 2
    assert not any(b"ada@" in payload for payload in payloads)


async def test_control_without_the_stripping_everything_stays(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "strip_payload", lambda *_: None)
    await _event(shop, await shop.api.open(currency="USD"))
    row = await _row(shop)
    assert b"Ada" in row["payload"]
    assert row["cut"] is None


def test_names_paths_and_envelopes() -> None:
    body = json.dumps({"a": {"email": 1, "b": [{"c": 1, "d": 2}]}, "c": 3}).encode()
    assert strip_payload(body, ["email", "a.b.c"]) == b'{"a":{"b":[{"d":2}]},"c":3}'
    assert strip_payload(body, ["*.b"]) == b'{"a":{"email":1},"c":3}'
    assert strip_payload(body, ["a.*.c"]) == b'{"a":{"email":1,"b":[{"d":2}]},"c":3}'
    assert strip_payload(body, ["b.c", "nothing"]) is None
    assert strip_payload(body[:-1], ["email"]) == b""
    callback = phonepe_callback({"sessionId": "s", "amount": 1})
    left = strip_payload(callback.body, ["utr"])
    assert left is not None
    inner = base64.b64decode(json.loads(left)["response"])
    assert b"utr" not in inner
    assert b'"amount":1' in inner


_JSON = st.recursive(
    st.none() | st.integers(0, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=12,
)


@given(_JSON)
def test_a_plain_name_is_nowhere_afterwards_and_nothing_else_is_gone(content: Any) -> None:
    def without(part: Any) -> Any:
        if isinstance(part, list):
            return [without(one) for one in part]
        if isinstance(part, dict):
            return {name: without(one) for name, one in part.items() if name != "a"}
        return part

    left = strip_payload(json.dumps(content).encode(), ["a"])
    assert (content if left is None else json.loads(left)) == without(content)


@pytest.mark.parametrize("names", ["a b", "$where", "a..b", ".a", "*"])
def test_a_name_that_is_no_field_is_refused(names: str) -> None:
    with pytest.raises(Misconfigured, match="STRIP_PAYLOAD_FIELDS"):
        make_settings(STRIP_PAYLOAD_FIELDS=names)


def test_a_star_at_the_end_of_a_path_takes_all_that_is_there() -> None:
    payload = b'{"card":{"last4":"4242","bin":"1"},"id":1}'
    assert strip_payload(payload, ["card.*"]) == b'{"card":{},"id":1}'


def test_the_sample_has_what_is_stripped() -> None:
    found = stripe_checkout({"sessionId": "s", "amount": 1, "currency": "USD"}, **ADA)
    assert strip_payload(json.dumps({"data": {"object": found}}).encode(), NAMES.split(","))
