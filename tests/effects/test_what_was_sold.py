"""The ledger keeps what was sold and what its shop kept with it, as the payment was matched."""

from typing import Any

import msgspec
import pytest
from pymongo.errors import WriteError

from service.sessions.operations.reviewing.claims import LARGEST_METADATA
from service.storage.database import Row
from tests.sessions.asking import CHECKOUTS, checkout_body, put_coupon, put_price
from tests.support.api import PUBLISHABLE, SECRET
from tests.support.shop import Shop


async def _opened(shop: Shop, key: str = PUBLISHABLE, **changes: Any) -> dict[str, Any]:
    body = checkout_body(**{"amount": None, "plan": "gold"} | changes)
    answer = await shop.api.call("POST", CHECKOUTS, key, json=body)
    assert answer.status_code == 201, answer.text
    session: dict[str, Any] = answer.json()["session"]
    return session


async def _row(shop: Shop, session: dict[str, Any]) -> Row:
    assert (await shop.api.told(shop.stripe_paid(session)))["outcome"] == "processed"
    [row] = await shop.payments(sessionId=session["sessionId"])
    return row


async def test_the_title_in_the_catalog_is_the_name_of_the_plan(shop: Shop) -> None:
    await put_price(shop.api, "gold", 100, title="Gold, for a year")
    await put_coupon(shop.api, "TENTH", basisPoints=1000)
    session = await _opened(shop, couponCode="TENTH")
    await put_price(shop.api, "gold", 100, title="Another name by now")
    row = await _row(shop, session)
    assert (row["planId"], row["planName"]) == ("gold", "Gold, for a year")
    assert "title" not in session


async def test_a_quote_has_the_title_that_it_was_made_with(shop: Shop) -> None:
    await put_price(shop.api, "gold", 100, title="Gold")
    asked = {"items": {"plan": "gold"}}
    quote = (await shop.api.call("POST", "/api/quotes", PUBLISHABLE, json=asked)).json()["quote"]
    await put_price(shop.api, "gold", 200, title="Platinum")
    row = await _row(shop, await _opened(shop, quoteId=quote["quoteId"]))
    assert (row["planName"], row["amount"]) == ("Gold", 100)


async def test_without_a_title_the_plan_is_its_name(shop: Shop) -> None:
    named = await _row(shop, await _opened(shop, SECRET, amount=7, userId="u-1"))
    assert (named["planId"], named["planName"]) == ("gold", "gold")
    await put_price(shop.api, "gold", 100)
    untitled = await _row(shop, await _opened(shop, userId="u-2"))
    assert untitled["planName"] == "gold"


async def test_metadata_is_the_sessions_as_far_as_a_ledger_keeps_it(shop: Shop) -> None:
    small = {"cart": "7", "lines": [{"sku": "a"}]}
    session = await shop.api.open(metadata=small)
    row = await _row(shop, session)
    assert row["metadata"] == small
    large = {f"k{number:02}": "x" * 400 for number in range(30)}
    session = await shop.api.open(metadata=large)
    row = await _row(shop, session)
    assert row["metadata"] == {name: large[name] for name in sorted(large)[:9]}
    assert len(msgspec.json.encode(row["metadata"])) <= LARGEST_METADATA
    assert (await shop.session(session["sessionId"]))["metadata"] == large


async def test_what_changes_after_it_was_matched_changes_no_ledger(shop: Shop) -> None:
    session = await shop.api.open(metadata={"cart": "7"})
    row = await _row(shop, session)
    body = {"sessionId": session["sessionId"], "metadata": {"cart": "8"}}
    assert (await shop.api.call("PATCH", "/api/payment-sessions", json=body)).status_code == 200
    await shop.receive(shop.stripe_paid(session))
    [after] = await shop.payments()
    assert after["metadata"] == row["metadata"] == {"cart": "7"}


@pytest.mark.parametrize("field", ["fee", "feeTax", "tax"])
async def test_the_database_itself_refuses_details_of_money_that_are_no_integers(
    shop: Shop, field: str
) -> None:
    await _row(shop, await shop.api.open())
    payments = shop.database["payments"]
    for bad in (1.5, "1"):
        with pytest.raises(WriteError):
            await payments.update_one({}, {"$set": {f"details.{field}": bad}})
    for good in (0, 2**40, None):
        await payments.update_one({}, {"$set": {f"details.{field}": good}})
