"""Lists of payments and disputes: whose they are, filters, pages, and the indexes they go by."""

from datetime import timedelta
from typing import Any

import pytest

from service.core.principal import Kind
from service.storage import paging
from tests.conftest import NOON
from tests.payments.history.rows import dispute, fail, pay, refund
from tests.sessions.asking import (
    CHECKOUTS,
    PAYMENTS,
    checkout_body,
    fields_of,
    key_of_another_merchant,
    open_as_browser,
    payment_body,
    problem,
    put_price,
    token_of,
)
from tests.support.api import ADMIN, JOBS, PUBLISHABLE, SECRET
from tests.support.profiled import profiled
from tests.support.shop import Shop

HISTORY = "/api/payment/payment-history"
SEARCH = "/api/payment/admin/payments"
DISPUTES = "/api/disputes"


async def _listed(shop: Shop, path: str, key: str, **params: Any) -> list[str]:
    """Return the provider's ids of all pages."""
    found: list[str] = []
    what = "disputes" if path == DISPUTES else "payments"
    while True:
        answer = await shop.api.call("GET", path, key, params=params)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += [one.get("providerDisputeId", one["providerPaymentId"]) for one in body[what]]
        if body["nextCursor"] is None:
            return found
        params["cursor"] = body["nextCursor"]


async def _some(shop: Shop) -> None:
    """Insert five payments, one a second, the last of another merchant."""
    await shop.api.open(sessionId="s-1", userId="ada", email="ada@example.com")
    await pay("pi_0", 0, amount=500, status="failed", planId="gold")
    await pay("pi_1", 1, sessionId="s-1", planId="gold")
    await pay("pay_2", 2, userId="bob", provider="razorpay", amount=2000)
    await pay("hand_3", 2, userId=None, provider="upi", currency="INR", status="refunded")
    await pay("pi_4", 3, merchantId="another")


async def test_a_payment_is_shown_with_what_has_become_of_it(shop: Shop) -> None:
    details = {"fee": 59, "feeCurrency": "USD", "country": "DE", "methodDetails": {"last4": "42"}}
    paid = await pay(
        "pi_1", refunded=100, reserved=50, details=details, metadata={"a": 1}, paymentMethod="card"
    )
    await refund(paid, "refund-0001", reason="sorry")
    await fail(paid, "ch_1", NOON - timedelta(minutes=1), declineCode="insufficient_funds")
    [shown] = (await shop.api.call("GET", HISTORY)).json()["payments"]
    assert {
        "paymentId": str(paid["_id"]),
        "providerPaymentId": "pi_1",
        "refundState": "partly",
        "refunded": 100,
        "reserved": 50,
        "fee": 59,
        "net": 941,
        "held": 0,
        "paymentMethod": "card",
        "country": "DE",
        "methodDetails": {"last4": "42"},
        "metadata": {"a": 1},
    }.items() <= shown.items()
    assert [(one["refundId"], one["reason"]) for one in shown["refunds"]] == [
        ("refund-0001", "sorry")
    ]
    assert [(one["number"], one["status"], one["declineCode"]) for one in shown["attempts"]] == [
        (1, "failed", "insufficient_funds"),
        (2, "succeeded", None),
    ]
    [to_user] = (await shop.api.call("GET", HISTORY, token_of("ada", shop.clock))).json()[
        "payments"
    ]
    assert shown.keys() - to_user.keys() == {"fee", "net", "held"}


@pytest.mark.parametrize(
    ("refunded", "state"), [(0, "none"), (1, "partly"), (999, "partly"), (1000, "wholly")]
)
async def test_how_much_went_back_is_a_word(shop: Shop, refunded: int, state: str) -> None:
    await pay("pi_1", refunded=refunded)
    [shown] = (await shop.api.call("GET", HISTORY)).json()["payments"]
    assert shown["refundState"] == state


async def test_everybody_sees_their_own_and_no_more(shop: Shop) -> None:
    await _some(shop)
    ada, eve = token_of("ada", shop.clock), token_of("eve", shop.clock)
    for limit in (1, 3):
        assert await _listed(shop, HISTORY, ada, limit=limit) == ["pi_1", "pi_0"]
    assert await _listed(shop, HISTORY, ada, userId="ada") == ["pi_1", "pi_0"]
    assert await _listed(shop, HISTORY, eve) == []
    refused = await shop.api.call("GET", HISTORY, ada, params={"userId": "bob"})
    problem(refused, 403, "payments_of_another")
    assert await _listed(shop, HISTORY, SECRET, userId="bob") == ["pay_2"]
    everything = ["hand_3", "pay_2", "pi_1", "pi_0"]
    for key in (SECRET, ADMIN):
        for limit in (1, 3, 100):
            assert await _listed(shop, HISTORY, key, limit=limit) == everything
    other = await key_of_another_merchant(shop.clock)
    assert await _listed(shop, HISTORY, other) == ["pi_4"]
    for key, path in ((PUBLISHABLE, HISTORY), (JOBS, HISTORY), (SECRET, SEARCH), (ada, SEARCH)):
        problem(await shop.api.call("GET", path, key), 403, "forbidden")
    problem(await shop.api.call("GET", DISPUTES, ada), 403, "forbidden")


async def test_what_a_browser_paid_in_a_users_name_is_not_the_users(shop: Shop) -> None:
    """It may name anybody, and its metadata would be read by them."""
    await put_price(shop.api, "event_456", 1000, "INR")
    body = payment_body(sessionId="s-b", userId="ada", paymentMethod="stripe", amount=1000)
    opened, _ = await open_as_browser(shop.api, PAYMENTS, body | {"currency": "INR"})
    await shop.api.told(shop.stripe_paid(opened))
    own = await shop.api.open(sessionId="s-a", userId="ada")
    await shop.api.told(shop.stripe_paid(own))
    await pay("pi_before")  # of before it was kept who opened a session
    ada = token_of("ada", shop.clock)
    assert sorted(await _listed(shop, HISTORY, ada)) == ["pi_before", "pi_s-a"]
    file = await shop.api.call("GET", HISTORY, ada, params={"format": "csv"})
    assert "pi_s-b" not in file.text
    # Control: a server, which knows what its browsers do, is shown it.
    assert "pi_s-b" in await _listed(shop, HISTORY, SECRET, userId="ada")


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({}, ["hand_3", "pay_2", "pi_1", "pi_0"]),
        ({"status": "succeeded"}, ["pay_2", "pi_1"]),
        ({"status": "failed", "plan": "gold"}, ["pi_0"]),
        ({"provider": "razorpay"}, ["pay_2"]),
        ({"plan": "gold"}, ["pi_1", "pi_0"]),
        ({"userId": "ada", "status": "succeeded"}, ["pi_1"]),
        ({"email": "ada@example.com"}, ["pi_1"]),
        ({"email": "ada@example.com", "status": "failed"}, []),
        ({"email": "nobody@example.com"}, []),
        ({"from": "2026-11-21T12:00:01Z", "to": "2026-11-21T13:00:02+01:00"}, ["pi_1"]),
        ({"userId": "ada", "to": "2026-11-21T12:00:01Z"}, ["pi_0"]),
        ({"minAmount": 1000, "maxAmount": 1000}, ["hand_3", "pi_1"]),
        ({"minAmount": 1001}, ["pay_2"]),
        ({"minAmount": 3, "maxAmount": 2}, []),
    ],
)
async def test_a_search_finds_what_every_filter_names(
    shop: Shop, params: dict[str, Any], found: list[str]
) -> None:
    await _some(shop)
    for limit in (1, 100):
        assert await _listed(shop, SEARCH, ADMIN, limit=limit, **params) == found


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        (SEARCH, "minAmount=-1", "minAmount"),
        (SEARCH, "minAmount=1.5", "minAmount"),
        (SEARCH, "maxAmount=9007199254740992", "maxAmount"),
        (SEARCH, "from=yesterday", "from"),
        (SEARCH, "to=2026-11-21", "to"),
        (SEARCH, "status[$ne]=x", "status[$ne]"),
        (SEARCH, "status=paid", "status"),
        (SEARCH, "provider=paypal", "provider"),
        (SEARCH, "plan=a&plan=b", "plan"),
        (SEARCH, "cursor=x", "cursor"),
        (SEARCH, "limit=101", "limit"),
        (HISTORY, "status=failed", "status"),
        (HISTORY, "format=xml", "format"),
        (HISTORY, "format=csv&cursor=MTc5NTI2MjQwMDAwMDpzOng", "cursor"),
        (HISTORY, "userId=" + "u" * 256, "userId"),
        (DISPUTES, "status=open", "status"),
        (DISPUTES, "userId=ada", "userId"),
    ],
)
async def test_a_query_that_makes_no_sense_is_a_400(
    shop: Shop, path: str, query: str, field: str
) -> None:
    answer = await shop.api.call("GET", f"{path}?{query}", ADMIN)
    assert answer.status_code == 400, answer.text
    assert fields_of(answer) == {field}


async def test_what_looks_like_an_operator_is_a_text(shop: Shop) -> None:
    await _some(shop)
    for name in ("userId", "email", "plan"):
        for text in ('{"$gt": ""}', "$where", "\x00", ".*"):
            assert await _listed(shop, SEARCH, ADMIN, **{name: text}) == []


async def test_an_address_with_too_many_sessions_is_refused_in_words(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _some(shop)
    monkeypatch.setattr("service.payments.history.controllers._MOST_SESSIONS", 0)
    params = {"email": "ada@example.com"}
    told = problem(await shop.api.call("GET", SEARCH, ADMIN, params=params), 400, "too_much")
    assert "search by userId" in told["detail"]


async def test_what_browsers_open_with_an_address_hides_no_payment_of_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = "ada@example.com"
    await _some(shop)
    await put_price(shop.api, "premium", 2999)
    for number in range(3):
        body = checkout_body(email=email, amount=None, userId=f"nobody_{number}")
        opened, _ = await open_as_browser(shop.api, CHECKOUTS, body)
    monkeypatch.setattr("service.payments.history.controllers._MOST_SESSIONS", 2)
    assert await _listed(shop, SEARCH, ADMIN, email=email) == ["pi_1"]
    # One of theirs that was completed is as good as another.
    paid = opened["sessionId"]
    await pay("pi_9", 9, sessionId=paid)
    change = {"$set": {"status": "completed"}}
    await shop.database["sessions"].update_one({"sessionId": paid}, change)
    assert await _listed(shop, SEARCH, ADMIN, email=email) == ["pi_9", "pi_1"]
    # Control: without the second look they have the search refused.
    monkeypatch.setattr("service.sessions.repository.listing.TRUSTED", {"$exists": True})
    answer = await shop.api.call("GET", SEARCH, ADMIN, params={"email": email})
    problem(answer, 400, "too_much")


async def test_what_comes_meanwhile_moves_no_page(shop: Shop) -> None:
    """Payments of one millisecond among them."""
    old = [f"pi_{number}" for number in range(9)]
    for number, name in enumerate(old):
        await pay(name, number // 3)
    params: dict[str, Any] = {"limit": 2}
    seen: list[str] = []
    for number in range(20):
        body = (await shop.api.call("GET", HISTORY, params=params)).json()
        seen += [one["providerPaymentId"] for one in body["payments"]]
        await pay(f"new_{number}", 100 + number)
        if body["nextCursor"] is None:
            break
        params["cursor"] = body["nextCursor"]
    assert sorted(seen) == old


async def test_a_search_looks_at_so_many_and_goes_on_there(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        plan = "rare" if number in {0, 7} else "gold"
        status = "failed" if number % 2 else "succeeded"
        await pay(f"pi_{number}", number // 2, planId=plan, status=status)
    monkeypatch.setattr(paging, "EXAMINED", 3)
    async with profiled(shop.database) as done:
        first = (await shop.api.call("GET", SEARCH, ADMIN, params={"plan": "rare"})).json()
    assert (first["payments"], first["nextCursor"] is None) == ([], False)
    looked = [row.get("docsExamined", 0) for row in done if row["ns"].endswith(".payments")]
    assert 0 < max(looked) <= 3 + 1  # also one that has the moment of the last
    assert await _listed(shop, SEARCH, ADMIN, plan="rare") == ["pi_7", "pi_0"]
    assert len(await _listed(shop, SEARCH, ADMIN, plan="gold", limit=2)) == 10


async def test_disputes_are_listed_and_read_by_either_id(shop: Shop) -> None:
    paid = await pay("pi_1")
    won = await dispute(paid, "dp_1", status="won", respondBy=NOON)
    await dispute(paid, "dp_2", NOON + timedelta(seconds=1))
    another = await pay("pi_2", merchantId="another")
    other = await dispute(another, "dp_3")
    assert await _listed(shop, DISPUTES, SECRET, limit=1) == ["dp_2", "dp_1"]
    assert await _listed(shop, DISPUTES, ADMIN, status="won") == ["dp_1"]
    for name in (str(won["_id"]), "dp_1"):
        shown = (await shop.api.call("GET", f"{DISPUTES}/{name}")).json()["dispute"]
        assert (shown["disputeId"], shown["providerDisputeId"]) == (str(won["_id"]), "dp_1")
        assert (shown["respondBy"], shown["status"]) == ("2026-11-21T12:00:00Z", "won")
    for name in ("dp_3", str(other["_id"]), "f" * 24, "x", "%00", "{$ne:1}"):
        problem(await shop.api.call("GET", f"{DISPUTES}/{name}"), 404, "dispute_not_found")
    theirs = await key_of_another_merchant(shop.clock, Kind.ADMIN)
    assert await _listed(shop, DISPUTES, theirs) == ["dp_3"]


async def test_lists_go_by_indexes_and_are_not_sorted_in_memory(shop: Shop) -> None:
    await _some(shop)
    await dispute(await pay("pi_9"), "dp_1")
    async with profiled(shop.database) as done:
        await _listed(shop, HISTORY, SECRET, limit=1)
        await _listed(shop, HISTORY, token_of("ada", shop.clock), limit=1)
        await _listed(shop, DISPUTES, ADMIN, limit=1)
        await _listed(shop, DISPUTES, ADMIN, status="lost")
        for params in (
            {},
            {"status": "failed"},
            {"provider": "stripe", "plan": "gold", "minAmount": 1, "maxAmount": 9},
            {"userId": "ada", "status": "failed"},
            {"from": "2026-11-20T00:00:00Z", "to": "2026-11-22T00:00:00Z"},
        ):
            await _listed(shop, SEARCH, ADMIN, limit=1, **params)
    assert len(done) > 20
    assert [row["command"] for row in done if row.get("hasSortStage")] == []
    assert not [row for row in done if "COLLSCAN" in row.get("planSummary", "")]
    async with profiled(shop.database) as done:  # of one address, so few that they may be sorted
        await _listed(shop, SEARCH, ADMIN, email="ada@example.com")
    assert not [row for row in done if "COLLSCAN" in row.get("planSummary", "")]
