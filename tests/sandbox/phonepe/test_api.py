"""The played PhonePe's API, called by our own adapter and by plain HTTP."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from service.core.errors import ProviderFailed
from service.providers.base import OpenedCheckout
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFailed,
    CheckoutOpen,
    Fact,
    PaymentFailed,
    PaymentProcessing,
    PaymentSucceeded,
)
from tests.conftest import NOON
from tests.sandbox.phonepe.conftest import Played
from tests.sandbox.played import checkout_request, standing, told
from tillgate_sandbox.phonepe.declines import DECLINES
from tillgate_sandbox.states import Happening

CALLS = [
    ("POST", "/checkout/v2/pay"),
    ("GET", "/checkout/v2/order/ps_1/status"),
    ("POST", "/payments/v2/refund"),
    ("GET", "/payments/v2/refund/r-1/status"),
]

STORIES: list[tuple[list[Happening], list[type[Fact]]]] = [
    ([], [CheckoutOpen]),
    ([Happening.PAID], [PaymentSucceeded]),
    ([Happening.DELAYED], [PaymentProcessing]),
    ([Happening.DELAYED, Happening.SETTLED], [PaymentSucceeded]),
    ([Happening.DELAYED, Happening.BOUNCED], [PaymentFailed, CheckoutFailed]),
    ([Happening.DECLINED], [CheckoutOpen]),
    ([Happening.DECLINED, Happening.PAID], [PaymentSucceeded]),
    ([Happening.EXPIRED], [CheckoutExpired]),
    ([Happening.DECLINED, Happening.EXPIRED], [PaymentFailed, CheckoutExpired]),
    ([Happening.CANCELED], [PaymentFailed, CheckoutFailed]),
    ([Happening.EXPIRED, Happening.PAID], [PaymentSucceeded]),
]


async def opened(played: Played, **changed: object) -> OpenedCheckout:
    """Open an order by the adapter."""
    request = checkout_request(NOON + timedelta(minutes=30), **changed)
    return await played.adapter.open_checkout(request)


def order(**changed: Any) -> dict[str, Any]:
    """The body that opens an order."""
    return {
        "merchantOrderId": "ps_2",
        "amount": 100,
        "paymentFlow": {
            "type": "PG_CHECKOUT",
            "merchantUrls": {"redirectUrl": "https://shop.example/thanks"},
        },
    } | changed


async def test_an_order_is_opened_with_the_address_of_its_page(played: Played) -> None:
    opening = await opened(played)
    kept = await standing("ps_1")
    assert opening.ref == "ps_1"
    assert opening.url == f"http://127.0.0.1:8000/sandbox/pay/{kept.page_id}"
    assert opening.expires_at == kept.expires_at == NOON + timedelta(minutes=30)
    assert (kept.amount, kept.currency, kept.session_id) == (29900, "INR", "ps_1")
    assert kept.success_url == "https://shop.example/thanks"


async def test_one_id_opens_one_order(played: Played) -> None:
    calls = (opened(played, session_id=f"ps_{n}") for n in range(6))
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(one, OpenedCheckout) for one in found) == 1
    refusals = [one for one in found if isinstance(one, BaseException)]
    assert all(isinstance(one, ProviderFailed) and one.definite for one in refusals)


@pytest.mark.parametrize(("happenings", "facts"), STORIES)
async def test_a_reread_finds_what_happened(
    played: Played, happenings: list[Happening], facts: list[type[Fact]]
) -> None:
    await opened(played)
    await played.let("ps_1", *happenings)
    found = await played.adapter.fetch("ps_1")
    assert [type(fact) for fact in found.facts] == facts
    assert found.live is False


@pytest.mark.parametrize(
    ("happenings", "facts"),
    [(story, facts) for story, facts in STORIES if facts != [CheckoutExpired]],
)
async def test_v1_tells_the_same(
    played_v1: Played, happenings: list[Happening], facts: list[type[Fact]]
) -> None:
    await opened(played_v1)
    await played_v1.let("ps_1", *happenings)
    client = played_v1.client(client_id=None, client_secret=None)
    found = await client.fetch("ps_1")
    assert [type(fact) for fact in found.facts] == facts
    await client.aclose()


async def test_v1_knows_nothing_of_another_order_or_merchant(played: Played) -> None:
    await opened(played)
    await played.let("ps_1", Happening.PAID)
    stranger = played.client(client_id=None, client_secret=None, merchant_id="OTHER")
    for client in (stranger, played.client(client_id=None, client_secret=None)):
        ref = "ps_1" if client is stranger else "ps_unknown"
        assert [type(fact) for fact in (await client.fetch(ref)).facts] == [CheckoutOpen]
        await client.aclose()


async def test_v1_refuses_another_salt(played: Played) -> None:
    client = played.client(client_id=None, client_secret=None, salt_key="another-salt-key-01")
    with pytest.raises(ProviderFailed, match="X-VERIFY"):
        await client.fetch("ps_1")
    await client.aclose()


@pytest.mark.parametrize("code", DECLINES)
async def test_a_decline_has_its_real_codes(played: Played, code: str) -> None:
    await opened(played)
    await played.let("ps_1", Happening.DECLINED, decline_code=code)
    path = "/checkout/v2/order/ps_1/status"
    status = (await played.http.get(path, headers=await played.token())).json()
    assert status["state"] == "PENDING"
    (attempt,) = status["paymentDetails"]
    assert (attempt["state"], attempt["errorCode"]) == ("FAILED", code)
    assert attempt["detailedErrorCode"] == DECLINES[code]


async def test_details_tell_all_attempts(played: Played) -> None:
    await opened(played)
    await played.let("ps_1", Happening.DECLINED, Happening.DECLINED, Happening.PAID)
    path, headers = "/checkout/v2/order/ps_1/status", await played.token()
    latest = (await played.http.get(path, headers=headers)).json()
    everything = (await played.http.get(path, headers=headers, params={"details": "true"})).json()
    assert len(latest["paymentDetails"]) == 1
    assert [one["state"] for one in everything["paymentDetails"]] == ["FAILED"] * 2 + ["COMPLETED"]


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_nothing_answers_without_a_good_token(played: Played, method: str, path: str) -> None:
    good = (await played.token())["Authorization"]
    ends = good.removeprefix("O-Bearer ").partition(".")[0]
    wrong = [
        "",
        good.replace("O-Bearer", "Bearer"),
        good + "x",
        f"O-Bearer {ends}0.x",
        "O-Bearer .",
    ]
    for header in wrong:
        answer = await played.http.request(method, path, headers={"Authorization": header})
        assert answer.status_code == 401, header
        assert answer.json()["code"] == "AUTHORIZATION_FAILED"
    played.clock.advance(timedelta(hours=1))
    answer = await played.http.request(method, path, headers={"Authorization": good})
    assert answer.status_code == 401


async def test_the_adapter_renews_a_token_that_has_run_out(played: Played) -> None:
    await opened(played)
    played.clock.advance(timedelta(hours=2))
    await played.adapter.fetch("ps_1")


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("client_id", "another", 401),
        ("client_secret", "another", 401),
        ("client_version", "2", 401),
        ("grant_type", "password", 400),
    ],
)
async def test_a_token_is_for_the_right_credentials(
    played: Played, field: str, value: str, status: int
) -> None:
    answer = await played.http.post("/v1/oauth/token", data=played.credentials() | {field: value})
    assert answer.status_code == status
    assert "access_token" not in answer.json()


@pytest.mark.parametrize(
    "changed",
    [
        {"merchantOrderId": "no spaces"},
        {"merchantOrderId": "x" * 64},
        {"merchantOrderId": None},
        {"amount": 99},
        {"amount": 100.0},
        {"amount": True},
        {"expireAfter": 299},
        {"expireAfter": 3601},
        {"paymentFlow": {"type": "PG_CHECKOUT"}},
        {"paymentFlow": None},
    ],
)
async def test_what_phonepe_refuses_is_refused(played: Played, changed: dict[str, Any]) -> None:
    headers = await played.token()
    answer = await played.http.post("/checkout/v2/pay", json=order(**changed), headers=headers)
    assert answer.status_code == 400
    assert answer.json()["code"] == "BAD_REQUEST"


async def test_an_unknown_order_is_not_found(played: Played) -> None:
    with pytest.raises(ProviderFailed, match="No order found"):
        await played.adapter.fetch("ps_unknown")


async def test_refunds_go_by_the_merchants_own_id(played: Played) -> None:
    await opened(played)
    headers = await played.token()
    body = {"merchantRefundId": "r-1", "originalMerchantOrderId": "ps_1", "amount": 10000}

    async def refund(**changed: Any) -> tuple[int, dict[str, Any]]:
        answer = await played.http.post("/payments/v2/refund", json=body | changed, headers=headers)
        return answer.status_code, answer.json()

    assert (await refund())[0] == 400  # not paid yet
    await played.let("ps_1", Happening.PAID)
    status, given = await refund()
    assert (status, given["state"], given["amount"]) == (200, "PENDING", 10000)
    assert (await refund())[0] == 400  # the id was used
    assert (await refund(merchantRefundId="r-2", amount=19901))[0] == 400  # more than is left
    assert (await refund(merchantRefundId="r-2", amount=19900))[0] == 200
    path = "/payments/v2/refund/r-1/status"
    found = (await played.http.get(path, headers=headers)).json()
    assert (found["state"], found["amount"]) == ("COMPLETED", 10000)
    assert found["refundId"] == given["refundId"]
    unknown = await played.http.get("/payments/v2/refund/r-3/status", headers=headers)
    assert unknown.status_code == 404
    kinds = [event.type for event in await told("ps_1")]
    assert kinds.count("pg.refund.completed") == 2
