"""Any id, ours or a provider's, leads to the payment, its session and its timeline."""

from typing import Any

import pytest

from service.core.principal import Kind
from service.payments.payments import repository as payments
from service.storage.database import Row
from tests.payments.history.rows import dispute, fail, pay, post, refund
from tests.sessions.asking import key_of_another_merchant, problem, token_of
from tests.support.api import ADMIN, PUBLISHABLE, SECRET
from tests.support.profiled import profiled
from tests.support.shop import Shop


async def _found(shop: Shop, any_id: str, key: str = SECRET) -> dict[str, Any]:
    answer = await shop.api.call("GET", f"/api/payments/{any_id}", key)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _paid(shop: Shop) -> tuple[Row, Row]:
    """Have a session paid and return its payment, with a refund, a try and a dispute of it."""
    session = await shop.api.open(sessionId="s-1", email="ada@example.com", currency="USD")
    await shop.api.told(shop.stripe_paid(session))
    [paid] = await shop.payments()
    named = {"aliases": [*paid["aliases"], "ch_1", "in_1", "utr-206378866112"]}
    await shop.database["payments"].update_one({"_id": paid["_id"]}, {"$set": named})
    await refund(paid, "refund-0001", providerRefundId="re_1")
    await fail(paid, "ch_0")
    disputed = await dispute(paid, "dp_1")
    await post(paid, clearing__stripe=1000, sales=-1000)
    return paid, disputed


async def test_every_id_leads_to_the_same(shop: Shop) -> None:
    paid, disputed = await _paid(shop)
    first = await _found(shop, "pi_s-1")
    [whole] = first["payments"]
    assert whole["payment"]["paymentId"] == str(paid["_id"])
    assert [one["refundId"] for one in whole["payment"]["refunds"]] == ["refund-0001"]
    assert [one["number"] for one in whole["payment"]["attempts"]] == [1, 2]
    assert [one["providerDisputeId"] for one in whole["disputes"]] == ["dp_1"]
    assert whole["balances"] == [
        {"account": "clearing:stripe", "currency": "USD", "amount": 1000},
        {"account": "sales", "currency": "USD", "amount": -1000},
    ]
    assert (first["session"]["sessionId"], first["session"]["status"]) == ("s-1", "completed")
    told = await shop.api.call("GET", first["timeline"])
    assert told.json()["session"]["sessionId"] == "s-1"
    ours = (str(paid["_id"]), str(disputed["_id"]), "refund-0001", "s-1")
    theirs = ("ch_1", "in_1", "utr-206378866112", "re_1", "dp_1", "cs_test_s-1")
    for any_id in (*ours, *theirs):
        for key in (SECRET, ADMIN):
            assert await _found(shop, any_id, key) == first, any_id


async def test_an_id_of_a_session_that_nobody_paid_leads_to_it(shop: Shop) -> None:
    await shop.api.open(sessionId="s-1")
    found = await _found(shop, "s-1")
    assert (found["payments"], found["session"]["status"]) == ([], "pending")


async def test_a_payment_without_a_session_is_found(shop: Shop) -> None:
    await pay("pi_1")
    found = await _found(shop, "pi_1")
    assert (len(found["payments"]), found["session"], found["timeline"]) == (1, None, None)


async def test_a_session_that_was_opened_anew_under_the_id_is_not_the_payments(shop: Shop) -> None:
    paid, _ = await _paid(shop)
    await shop.database["sessions"].delete_many({})
    assert (await _found(shop, "pi_s-1"))["session"] is None
    shop.pass_time(days=100)
    await shop.api.open(sessionId="s-1")
    assert (await _found(shop, str(paid["_id"])))["session"] is None


@pytest.mark.parametrize("any_id", ["nothing", "f" * 24, "%00", "{$ne:1}", "pi_s-1%20", "x" * 255])
async def test_what_leads_to_nothing_is_not_found(shop: Shop, any_id: str) -> None:
    await _paid(shop)
    answer = await shop.api.call("GET", f"/api/payments/{any_id}")
    problem(answer, 404, "payment_not_found")


async def test_another_merchant_finds_nothing_of_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid, disputed = await _paid(shop)
    key = await key_of_another_merchant(shop.clock, Kind.ADMIN)
    ids = ("pi_s-1", "s-1", "cs_test_s-1", "refund-0001", "re_1", "dp_1", "ch_1")
    for any_id in (*ids, str(paid["_id"]), str(disputed["_id"])):
        answer = await shop.api.call("GET", f"/api/payments/{any_id}", key)
        problem(answer, 404, "payment_not_found")
    for anybody in (PUBLISHABLE, token_of("user_123", shop.clock)):
        problem(await shop.api.call("GET", "/api/payments/pi_s-1", anybody), 403, "forbidden")
    of_session = payments.of_session

    async def forgetful(merchant_id: str, session_id: str) -> Any:
        return await of_session("default", session_id)

    # Control: a query that forgot the merchant would show it.
    monkeypatch.setattr(payments, "of_session", forgetful)
    assert (await shop.api.call("GET", "/api/payments/s-1", key)).status_code == 200


async def test_no_look_up_reads_a_collection_whole(shop: Shop) -> None:
    await _paid(shop)
    async with profiled(shop.database) as done:
        for any_id in ("pi_s-1", "refund-0001", "dp_1", "s-1", "nothing", "f" * 24):
            await shop.api.call("GET", f"/api/payments/{any_id}")
        await shop.api.call("GET", "/api/disputes/dp_1/evidence")
    assert len(done) > 30
    scanned = {row["ns"] for row in done if "COLLSCAN" in row.get("planSummary", "")}
    # A row for each topic that a subscriber hears, and all of them are asked for.
    assert scanned <= {"tillgate_test.subscribers"}
