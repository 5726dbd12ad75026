"""What PhonePe's official libraries send, and those calls of theirs that our adapter lacks."""

from typing import Any

import pytest

from tests.sandbox.phonepe.conftest import Played
from tests.sandbox.phonepe.test_api import order
from tillgate_sandbox.states import Happening

NOTHING: dict[str, Any] = {"metaInfo": None, "expireAfter": None, "disablePaymentRetry": None}
"""What phonepe-python sends besides: a null for each field that is not set."""


async def _answered(played: Played, method: str, path: str, **options: Any) -> dict[str, Any]:
    answer = await played.http.request(method, path, headers=await played.token(), **options)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _refused(played: Played, method: str, path: str, **options: Any) -> tuple[int, str]:
    answer = await played.http.request(method, path, headers=await played.token(), **options)
    assert answer.status_code >= 400, answer.text
    return answer.status_code, answer.json()["code"]


async def test_a_null_is_a_field_that_is_not_there(played: Played) -> None:
    nulled = order(**NOTHING)
    nulled["paymentFlow"]["message"] = None
    opened = await _answered(played, "POST", "/checkout/v2/pay", json=nulled)
    left_out = await _answered(
        played, "POST", "/checkout/v2/pay", json=order(merchantOrderId="ps_3")
    )
    assert opened["expireAt"] == left_out["expireAt"]
    # The control: a null for what is needed is refused, as if it were not there.
    for field in ("amount", "merchantOrderId", "paymentFlow"):
        asked = order(merchantOrderId="ps_4") | {field: None}
        assert await _refused(played, "POST", "/checkout/v2/pay", json=asked) == (
            400,
            "BAD_REQUEST",
        )


async def test_details_may_be_said_twice_and_the_first_counts(played: Played) -> None:
    await _answered(played, "POST", "/checkout/v2/pay", json=order())
    await played.let("ps_2", Happening.DECLINED, Happening.PAID)

    async def attempts(query: str) -> int:
        found = await _answered(played, "GET", f"/checkout/v2/order/ps_2/status{query}")
        return len(found["paymentDetails"])

    assert await attempts("?details=true&details=true") == 2
    assert await attempts("?details=false&details=false") == 1
    assert await attempts("?details=true&details=false") == 2
    assert (await attempts("?details=true"), await attempts("")) == (2, 1)
    # The control: what is no parameter is refused still, as is a word that is neither.
    for query in ("?detail=true", "?details=perhaps", "?errorContext=true&errorContext=true"):
        path = f"/checkout/v2/order/ps_2/status{query}"
        assert (await _refused(played, "GET", path))[0] == 400, query


async def test_an_attempt_is_read_by_its_own_id(played: Played) -> None:
    await _answered(played, "POST", "/checkout/v2/pay", json=order())
    checkout = await played.let("ps_2", Happening.DECLINED, Happening.PAID)
    whole = await _answered(played, "GET", "/checkout/v2/order/ps_2/status?details=true")
    for place, payment in enumerate(checkout.payments):
        path = f"/checkout/v2/transaction/{payment.id}/status"
        found = await _answered(played, "GET", path)
        assert found == whole | {"paymentDetails": [whole["paymentDetails"][place]]}
    unknown = await _refused(played, "GET", "/checkout/v2/transaction/OM1/status")
    assert unknown == (404, "TRANSACTION_NOT_FOUND")


async def test_an_order_is_opened_for_an_app(played: Played) -> None:
    made = await _answered(played, "POST", "/checkout/v2/sdk/order", json=order())
    assert set(made) == {"orderId", "state", "expireAt", "token"}
    await played.let("ps_2", Happening.PAID)
    found = await _answered(played, "GET", "/checkout/v2/order/ps_2/status")
    assert (found["orderId"], found["state"]) == (made["orderId"], "COMPLETED")


@pytest.mark.parametrize("amount", [99, 100])
async def test_less_than_a_rupee_is_neither_paid_nor_refunded(played: Played, amount: int) -> None:
    await _answered(played, "POST", "/checkout/v2/pay", json=order(amount=500))
    await played.let("ps_2", Happening.PAID)
    refund = {"merchantRefundId": "r-1", "originalMerchantOrderId": "ps_2", "amount": amount}
    small = order(merchantOrderId="ps_5", amount=amount)
    for path, asked in (("/payments/v2/refund", refund), ("/checkout/v2/pay", small)):
        if amount < 100:
            assert await _refused(played, "POST", path, json=asked) == (400, "BAD_REQUEST")
        else:
            assert (await _answered(played, "POST", path, json=asked))["state"] == "PENDING"


async def test_what_is_not_played_is_refused_in_phonepe_s_own_shape(played: Played) -> None:
    for method, path in (
        ("POST", "/payments/v2/pay"),
        ("GET", "/payments/v2/order/ps_2/status?details=false&details=false"),
        ("POST", "/subscriptions/v2/setup"),
    ):
        assert await _refused(played, method, path) == (404, "NOT_FOUND"), path
        without = await played.http.request(method, path)
        assert without.status_code == 401, path
