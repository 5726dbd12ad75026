"""A payment that is the money which somebody had entered by hand: told twice, paid once."""

from typing import Any

import pytest

from service.reviews.operations import choices
from tests.support.reviews import disagreements
from tests.support.shop import Shop, completions


async def _by_hand(shop: Shop, **fields: Any) -> tuple[dict[str, Any], str]:
    """Complete a session by hand, and let the real payment follow."""
    session = await shop.api.open()
    sid = session["sessionId"]
    body = {"sessionId": sid, "status": "completed", "reason": "seen at the bank"}
    assert (await shop.api.call("PUT", "/api/payment-sessions", json=body)).status_code == 200
    answer = await shop.api.told(shop.stripe_paid(session, **fields))
    assert answer["outcome"] == "review"
    return session, str((await shop.events(sessionId=sid))[0]["_id"])


async def _same(shop: Shop, event_id: str) -> tuple[int, str]:
    path = f"/reviews/{event_id}/same-money"
    answer = await shop.admin("POST", path, json={"reason": "one transfer"})
    return answer.status_code, answer.json().get("error", "")


async def test_the_hand_entry_is_reversed_and_the_payment_takes_its_place(shop: Shop) -> None:
    session, event_id = await _by_hand(shop)
    sid = session["sessionId"]
    hand = (await shop.session(sid))["providerPaymentId"]
    [listed] = (await shop.admin("GET", "/reviews")).json()["reviews"]
    assert listed["decisions"] == ["accept", "reject", "reject-and-refund", "same-money"]
    assert await _same(shop, event_id) == (200, "")

    stored = await shop.session(sid)
    assert (stored["status"], stored["review"], completions(stored)) == ("completed", None, 1)
    assert stored["providerPaymentId"] == f"pi_{sid}"
    assert [one["verdict"] for one in stored["decisions"]] == ["same_money"]
    by_id = {one["providerPaymentId"]: one["status"] for one in await shop.payments()}
    assert by_id == {hand: "reversed", f"pi_{sid}": "succeeded"}
    entries = (await shop.admin("GET", f"/audit?object=session:{sid}")).json()["entries"]
    assert (entries[0]["action"], entries[0]["reason"]) == ("review.same_money", "one transfer")
    assert await _same(shop, event_id) == (409, "already_decided")
    assert (await shop.api.told(shop.stripe_paid(session)))["outcome"] == "processed"
    assert await disagreements(shop.database) == []
    # A further payment is a second one, and no entry by hand stands any more for it to be.
    second = shop.stripe_paid(session, payment_intent="pi_second")
    assert (await shop.api.told(second))["outcome"] == "review"
    assert await _same(shop, sid) == (409, "not_the_same_money")


@pytest.mark.parametrize("case", ["amount", "currency", "foreign", "failed", "not by hand"])
async def test_only_the_money_that_was_entered_by_hand_can_be_the_same(
    shop: Shop, case: str
) -> None:
    fields = {"amount": {"amount_total": 900}, "currency": {"currency": "usd"}}.get(case, {})
    session, event_id = await _by_hand(shop, **fields)
    sid = session["sessionId"]
    wrong = {"foreign": {"sessionId": "another"}, "failed": {"status": "failed"}}.get(case)
    rows = shop.database["payments"]
    if wrong is not None:
        await rows.update_one({"providerPaymentId": f"pi_{sid}"}, {"$set": wrong})
    if case == "not by hand":
        paid = {"$set": {"providerPaymentId": "pi_real"}}
        await shop.database["sessions"].update_one({"sessionId": sid}, paid)
        await rows.update_one({"providerPaymentId": {"$regex": "^hand:"}}, paid)
    before = await shop.session(sid)
    assert await _same(shop, event_id) == (409, "not_the_same_money")
    assert await shop.session(sid) == before
    assert "reversed" not in [one["status"] for one in await shop.payments()]


async def test_control_without_the_guard_money_of_another_amount_is_the_same(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choices, "_not_the_same", lambda _: None)
    _, event_id = await _by_hand(shop, amount_total=1)
    assert await _same(shop, event_id) == (200, "")


async def test_a_second_payment_beside_the_hand_entry_may_be_kept_as_well(shop: Shop) -> None:
    session, event_id = await _by_hand(shop)
    answer = await shop.admin("POST", f"/reviews/{event_id}/accept")
    assert answer.status_code == 200
    stored = await shop.session(session["sessionId"])
    assert (completions(stored), stored["review"]) == (1, None)
    assert stored["providerPaymentId"].startswith("hand:")
    assert await disagreements(shop.database) == []


async def _given_back(shop: Shop) -> tuple[dict[str, Any], str]:
    """Complete a session by hand, give a part back by hand, and let the real payment follow."""
    session = await shop.api.open()
    sid = session["sessionId"]
    body = {"sessionId": sid, "status": "completed", "reason": "seen at the bank"}
    assert (await shop.api.call("PUT", "/api/payment-sessions", json=body)).status_code == 200
    back = {"amount": 1, "reason": "too late", "bankReference": "UTR1"}
    path = f"/api/payments/hand:default:{sid}/refunds"
    assert (await shop.api.call("POST", path, json=back)).status_code == 201
    await shop.api.told(shop.stripe_paid(session))
    return session, str((await shop.events(status="review"))[0]["_id"])


async def test_what_was_given_back_of_the_hand_entry_can_not_be_given_back_of_the_payment(
    shop: Shop,
) -> None:
    session, event_id = await _given_back(shop)
    [listed] = (await shop.admin("GET", "/reviews")).json()["reviews"]
    assert listed["decisions"] == ["accept", "reject", "reject-and-refund"]
    assert await _same(shop, event_id) == (409, "not_the_same_money")
    assert (await shop.session(session["sessionId"]))["providerPaymentId"].startswith("hand:")
    assert {one["status"] for one in await shop.payments()} == {"succeeded"}


async def test_control_without_the_guard_it_could_be_given_back_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choices, "_not_the_same", lambda _: None)
    session, event_id = await _given_back(shop)
    assert await _same(shop, event_id) == (200, "")
    [payment] = await shop.payments(providerPaymentId=f"pi_{session['sessionId']}")
    assert (payment["status"], payment["refunded"]) == ("succeeded", 0)
