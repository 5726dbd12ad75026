"""Refunds at the played Razorpay."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import NOON
from tests.sandbox.played import checkout_request, told
from tests.sandbox.razorpay.conftest import Played
from tillgate_sandbox.states import Happening

KEY = {"X-Refund-Idempotency": "550e8400-e29b-41d4"}


async def paid(played: Played) -> tuple[str, str]:
    """Open an order and pay it; return the ids of order and payment."""
    request = checkout_request(NOON + timedelta(minutes=30))
    order = await played.adapter.open_checkout(request)
    checkout = await played.let(order.ref, Happening.PAID)
    return order.ref, checkout.payments[0].id


async def refund(played: Played, payment_id: str, status: int = 200, **options: Any) -> Any:
    """Ask for a refund and return the answer."""
    answer = await played.http.post(f"/payments/{payment_id}/refund", **options)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_refunds_in_part_add_up_to_the_whole(played: Played) -> None:
    order_id, payment_id = await paid(played)
    first = await refund(played, payment_id, json={"amount": 10000})
    payment = (await played.http.get(f"/payments/{payment_id}")).json()
    assert (payment["status"], payment["refund_status"]) == ("captured", "partial")
    rest = await refund(played, payment_id)
    assert (first["amount"], rest["amount"]) == (10000, 19900)
    payment = (await played.http.get(f"/payments/{payment_id}")).json()
    assert (payment["status"], payment["amount_refunded"]) == ("refunded", 29900)
    listed = (await played.http.get(f"/payments/{payment_id}/refunds")).json()
    assert [one["id"] for one in listed["items"]] == [first["id"], rest["id"]]
    assert (await played.http.get(f"/refunds/{rest['id']}")).json() == rest
    kinds = [event.type for event in await told(order_id)]
    assert kinds.count("refund.processed") == 2


@pytest.mark.parametrize(
    ("amount", "words"), [(29901, "greater than"), (0, "integer"), ("1", "integer")]
)
async def test_no_more_than_was_paid_is_refunded(played: Played, amount: Any, words: str) -> None:
    _, payment_id = await paid(played)
    answer = await refund(played, payment_id, 400, json={"amount": amount})
    assert words in answer["error"]["description"]


async def test_everything_is_refunded_once(played: Played) -> None:
    _, payment_id = await paid(played)
    await refund(played, payment_id)
    answer = await refund(played, payment_id, 400)
    assert answer["error"]["description"] == "The payment has been fully refunded already"


async def test_held_money_is_not_refunded(played: Played) -> None:
    request = checkout_request(NOON + timedelta(minutes=30))
    order = await played.adapter.open_checkout(request)
    checkout = await played.let(order.ref, Happening.AUTHORIZED)
    answer = await refund(played, checkout.payments[0].id, 400)
    assert "should be captured" in answer["error"]["description"]


async def test_one_key_refunds_once_however_often_it_is_asked(played: Played) -> None:
    _, payment_id = await paid(played)
    calls = (
        played.http.post(f"/payments/{payment_id}/refund", json={"amount": 100}, headers=KEY)
        for _ in range(6)
    )
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} <= {200, 409}
    again = await refund(played, payment_id, json={"amount": 100}, headers=KEY)
    assert all(one.json() == again for one in answers if one.status_code == 200)
    payment = (await played.http.get(f"/payments/{payment_id}")).json()
    assert payment["amount_refunded"] == 100


async def test_one_key_is_for_one_request(played: Played) -> None:
    _, payment_id = await paid(played)
    await refund(played, payment_id, json={"amount": 100}, headers=KEY)
    answer = await refund(played, payment_id, 400, json={"amount": 200}, headers=KEY)
    assert answer["error"]["description"].startswith("Different request with the same")


async def test_a_refused_refund_leaves_its_key_free(played: Played) -> None:
    _, payment_id = await paid(played)
    await refund(played, payment_id, 400, json={"amount": 99999999}, headers=KEY)
    await refund(played, payment_id, json={"amount": 100}, headers=KEY)


async def test_a_short_key_is_refused(played: Played) -> None:
    _, payment_id = await paid(played)
    await refund(played, payment_id, 400, headers={"X-Refund-Idempotency": "short"})


async def test_disputes_are_read_and_listed(played: Played) -> None:
    order_id, payment_id = await paid(played)
    assert (await played.http.get("/disputes")).json()["items"] == []
    await played.let(order_id, Happening.DISPUTED)
    (listed,) = (await played.http.get("/disputes")).json()["items"]
    assert (listed["payment_id"], listed["status"], listed["amount_deducted"]) == (
        payment_id,
        "open",
        0,
    )
    await played.let(order_id, Happening.DISPUTE_LOST)
    read = (await played.http.get(f"/disputes/{listed['id']}")).json()
    assert (read["status"], read["amount_deducted"]) == ("lost", 29900)
    assert (await played.http.get("/disputes/disp_nobody")).status_code == 400


async def test_refunds_are_listed_page_by_page(played: Played) -> None:
    _, payment_id = await paid(played)
    made = [(await refund(played, payment_id, json={"amount": 100}))["id"] for _ in range(3)]
    pages = [
        (await played.http.get(f"/payments/{payment_id}/refunds", params=where)).json()["items"]
        for where in ({"count": 2}, {"count": 2, "skip": 2})
    ]
    assert [one["id"] for page in pages for one in page] == made
