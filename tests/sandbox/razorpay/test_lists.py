"""Lists and edits of the played Razorpay, called as its official libraries call them."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sandbox.razorpay.conftest import Played
from tillgate_sandbox.states import Happening

_SOLD = 3


async def _answered(played: Played, method: str, path: str, **options: Any) -> dict[str, Any]:
    answer = await played.http.request(method, path, **options)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _refused(played: Played, method: str, path: str, **options: Any) -> dict[str, Any]:
    answer = await played.http.request(method, path, **options)
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.json()["error"]
    return error


async def _sold(played: Played) -> None:
    """Sell by orders and by links, with a refund each, a second apart."""
    for place in range(_SOLD):
        order = await _answered(
            played,
            "POST",
            "/orders",
            json={"amount": 500, "currency": "INR", "receipt": f"r{place}"},
        )
        link = {"amount": 500, "currency": "INR", "reference_id": f"l{place}"}
        opened = await _answered(played, "POST", "/payment_links", json=link)
        for ref in (order["id"], opened["id"]):
            await played.let(ref, Happening.DECLINED, Happening.PAID)
        (paid,) = [
            one
            for one in (await _answered(played, "GET", f"/orders/{order['id']}/payments"))["items"]
            if one["captured"]
        ]
        await _answered(played, "POST", f"/payments/{paid['id']}/refund", json={"amount": 100})
        await played.let(order["id"], Happening.DISPUTED)
        played.clock.advance(timedelta(seconds=1))


LISTS = {
    "/orders": ("items", _SOLD),
    "/payment_links": ("payment_links", _SOLD),
    "/payments": ("items", _SOLD * 4),
    "/refunds": ("items", _SOLD),
    "/disputes": ("items", _SOLD),
}


async def test_every_list_visits_each_once_by_skip_and_count(played: Played) -> None:
    """razorpay-node sends both with every list, whether they were given or not."""
    await _sold(played)
    for path, (field, count) in LISTS.items():
        whole = (await _answered(played, "GET", f"{path}?count=100&skip=0"))[field]
        assert len(whole) == len({one["id"] for one in whole}) == count, path
        times = [one["created_at"] for one in whole]
        assert times == sorted(times, reverse=True), path
        parts = [
            one
            for skip in range(0, count + 2, 2)
            for one in (await _answered(played, "GET", f"{path}?count=2&skip={skip}"))[field]
        ]
        assert [one["id"] for one in parts] == [one["id"] for one in whole], path
        # The control: beyond the end there is nothing, and what is no number is refused.
        beyond = await _answered(played, "GET", f"{path}?count=10&skip={count}")
        assert beyond[field] == [], path
        await _refused(played, "GET", f"{path}?skip=-1")


async def test_lists_are_narrowed_by_time_and_by_what_they_are_about(played: Played) -> None:
    await _sold(played)
    for path, (field, count) in LISTS.items():
        whole = (await _answered(played, "GET", f"{path}?count=100"))[field]
        middle = whole[count // 2]["created_at"]
        older = (await _answered(played, "GET", f"{path}?count=100&to={middle - 1}"))[field]
        newer = (await _answered(played, "GET", f"{path}?count=100&from={middle}"))[field]
        assert [one["id"] for one in [*newer, *older]] == [one["id"] for one in whole], path
        assert older, path
        assert newer, path
    held = await _answered(played, "POST", "/orders", json={"amount": 500, "currency": "INR"})
    await played.let(held["id"], Happening.AUTHORIZED)
    found = await _answered(played, "GET", "/orders?authorized=1")
    assert [one["id"] for one in found["items"]] == [held["id"]]
    others = await _answered(played, "GET", "/orders?authorized=0&count=100")
    assert len(others["items"]) == _SOLD


async def test_notes_of_an_order_a_payment_and_a_refund_are_changed_and_nothing_else(
    played: Played,
) -> None:
    asked = {"amount": 500, "currency": "INR", "notes": {"a": "1"}}
    order = await _answered(played, "POST", "/orders", json=asked)
    checkout = await played.let(order["id"], Happening.DECLINED, Happening.PAID)
    first, paid = (one.id for one in checkout.payments)
    refund = await _answered(played, "POST", f"/payments/{paid}/refund", json={"amount": 100})

    for path in (f"/orders/{order['id']}", f"/payments/{paid}", f"/refunds/{refund['id']}"):
        before = await _answered(played, "GET", path)
        edited = await _answered(played, "PATCH", path, json={"notes": {"b": "2"}})
        assert edited == before | {"notes": {"b": "2"}}, path
        assert await _answered(played, "GET", path) == edited, path
        error = await _refused(played, "PATCH", path, json={"notes": {}, "amount": 1})
        assert error["reason"] == "extra_field_sent", path
        assert (await _refused(played, "PATCH", path, json={}))["field"] == "notes", path
    # The control: the other payment has the notes of the order still.
    assert (await _answered(played, "GET", f"/payments/{first}"))["notes"] == {"b": "2"}
    await _answered(played, "PATCH", f"/orders/{order['id']}", json={"notes": {"c": "3"}})
    assert (await _answered(played, "GET", f"/payments/{first}"))["notes"] == {"c": "3"}
    assert (await _answered(played, "GET", f"/payments/{paid}"))["notes"] == {"b": "2"}


async def test_a_link_is_edited_until_it_is_paid_and_takes_no_reference_of_another(
    played: Played,
) -> None:
    opened = await _answered(
        played, "POST", "/payment_links", json={"amount": 500, "reference_id": "one"}
    )
    await _answered(played, "POST", "/payment_links", json={"amount": 500, "reference_id": "two"})
    path = f"/payment_links/{opened['id']}"
    until = int(played.clock.now().timestamp()) + 3600
    edited = await _answered(
        played,
        "PATCH",
        path,
        json={"reference_id": "three", "expire_by": until, "notes": {"a": "1"}},
    )
    assert (edited["reference_id"], edited["expire_by"]) == ("three", until)
    assert edited["notes"] == {"a": "1"}
    another = await _refused(played, "PATCH", path, json={"reference_id": "two"})
    assert another["field"] == "reference_id"
    for reference in ("three", "one"):  # what it has now, and what it had: both are its own
        taken = await _refused(
            played, "POST", "/payment_links", json={"amount": 500, "reference_id": reference}
        )
        assert taken["field"] == "reference_id"
        await _answered(played, "PATCH", path, json={"reference_id": reference})
    assert (await _refused(played, "PATCH", path, json={"amount": 1}))["reason"] == (
        "extra_field_sent"
    )
    assert (await _refused(played, "PATCH", path, json={"expire_by": 1}))["field"] == "expire_by"
    assert await _answered(played, "POST", f"{path}/notify_by/sms") == {"success": True}

    await played.let(opened["id"], Happening.PAID)
    error = await _refused(played, "PATCH", path, json={"notes": {}})
    assert "cannot be updated as it is already paid" in error["description"]


@pytest.mark.parametrize(
    ("currency", "amount", "refused"),
    [("INR", 99, True), ("INR", 100, False), ("USD", 1, False)],
)
async def test_less_than_a_rupee_is_not_refunded(
    played: Played, currency: str, amount: int, *, refused: bool
) -> None:
    order = await _answered(played, "POST", "/orders", json={"amount": 500, "currency": currency})
    paid = (await played.let(order["id"], Happening.PAID)).payments[-1].id
    call = ("POST", f"/payments/{paid}/refund")
    if refused:
        error = await _refused(played, *call, json={"amount": amount})
        assert error["description"] == "The amount must be at least INR 1.00"
    else:
        assert (await _answered(played, *call, json={"amount": amount}))["amount"] == amount


async def test_what_is_not_played_is_refused_in_razorpay_s_own_shape(played: Played) -> None:
    for method, path in (
        ("GET", "/payments/pay_1/card?expand[]=emi"),
        ("POST", "/customers"),
        ("GET", "/settlements?count=10&skip=0"),
    ):
        answer = await played.http.request(method, path)
        assert answer.status_code == 404, path
        assert answer.json()["error"]["description"] == (
            "The requested URL was not found on the server."
        )
    # The control: a refund of a payment is read below both.
    order = await _answered(played, "POST", "/orders", json={"amount": 500, "currency": "INR"})
    paid = (await played.let(order["id"], Happening.PAID)).payments[-1].id
    made = await _answered(played, "POST", f"/payments/{paid}/refund", json={"amount": 100})
    for path in (f"/refunds/{made['id']}", f"/payments/{paid}/refunds/{made['id']}"):
        assert await _answered(played, "GET", path) == made
    await _refused(played, "GET", f"/payments/pay_1/refunds/{made['id']}")
