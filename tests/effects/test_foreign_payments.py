"""One payment, one session: made in a checkout of the session's own, and counted for no other."""

from typing import Any

import pytest

from service.core.principal import Kind
from service.effects import ownership as own
from service.effects import payments as effects
from service.sessions.operations.changing import complete_by_hand
from tests.sessions.asking import change, problem
from tests.support.api import SECRET
from tests.support.events import (
    Delivery,
    razorpay_event,
    razorpay_payment,
    stripe_checkout,
    stripe_intent,
)
from tests.support.keys import issue_key
from tests.support.shop import Shop


async def _open(shop: Shop, name: str, key: str = SECRET) -> dict[str, Any]:
    return await shop.api.open(
        key, sessionId=name, paymentMethod="razorpay", providerSessionId=f"order_{name}"
    )


def _paid(name: str, payment_id: str, order_id: str, **notes: str) -> Delivery:
    """Tell that an order was paid that names a session in notes which only a server writes."""
    money = {"sessionId": name, "amount": 1000, "currency": "INR"}
    payment = razorpay_payment(money, id=payment_id, order_id=order_id, notes=[])
    order = {"id": order_id, "receipt": None, "notes": {"sessionId": name} | notes}
    return razorpay_event("order.paid", {"payment": payment, "order": order})


async def _review(shop: Shop, name: str) -> tuple[str, str | None]:
    stored = await shop.session(name)
    return stored["status"], stored["review"] and stored["review"]["reason"]


async def test_a_payment_of_a_foreign_order_completes_no_session_that_has_its_own(
    shop: Shop,
) -> None:
    await _open(shop, "a")
    foreign = _paid("a", "pay_1", "order_foreign")
    assert (await shop.api.told(foreign))["outcome"] == "review"
    assert await _review(shop, "a") == ("pending", "foreign_checkout")
    [row] = await shop.payments()
    assert (row["sessionId"], row["status"]) == ("a", "succeeded")
    assert (await shop.api.told(_paid("a", "pay_2", "order_a")))["outcome"] == "processed"
    stored = await shop.session("a")
    assert (stored["status"], stored["providerPaymentId"]) == ("completed", "pay_2")
    assert stored["checkoutIds"] == ["order_a"]


@pytest.mark.parametrize(("named", "stands"), [("pi_own", "completed"), ("pi_other", "pending")])
async def test_an_intent_that_a_server_has_named_is_its_sessions_own(
    shop: Shop, named: str, stands: str
) -> None:
    session = await shop.api.open(providerSessionId="pi_own")
    paid = stripe_intent(session, id=named)
    told = await shop.api.told(shop.stripe("payment_intent.succeeded", paid))
    assert told["outcome"] == ("processed" if stands == "completed" else "parked")
    assert (await shop.session(session["sessionId"]))["status"] == stands


async def test_an_intent_whose_checkout_the_ledger_knows_needs_no_question(shop: Shop) -> None:
    session = await shop.api.open(providerSessionId="cs_test_1")
    later = stripe_checkout(session, id="cs_test_1", payment_status="unpaid", payment_intent="pi_1")
    assert (await shop.api.told(shop.stripe("checkout.session.completed", later)))["received"]
    intent = stripe_intent(session, id="pi_1")
    told = await shop.api.told(shop.stripe("payment_intent.succeeded", intent, 5))
    assert told["outcome"] == "processed"
    assert (await shop.session(session["sessionId"]))["status"] == "completed"


@pytest.mark.parametrize(("ended", "stands"), [("cs_test_1", "expired"), ("cs_other", "pending")])
async def test_the_end_of_a_foreign_checkout_ends_no_session_that_has_named_its_own(
    shop: Shop, ended: str, stands: str
) -> None:
    session = await shop.api.open(providerSessionId="cs_test_1")
    found = stripe_checkout(session, id=ended, status="expired", payment_status="unpaid")
    found["payment_intent"] = None
    assert (await shop.api.told(shop.stripe("checkout.session.expired", found)))["received"]
    assert (await shop.session(session["sessionId"]))["status"] == stands


async def test_a_foreign_payment_is_one_in_any_order(shop: Shop) -> None:
    outcomes = set()
    for at, turn in enumerate((1, -1)):
        name = f"s{at}"
        await _open(shop, name)
        told = [_paid(name, f"pay_{n}_{name}", f"order_{n}_{name}") for n in (1, 2)]
        told.append(_paid(name, f"pay_3_{name}", f"order_{name}"))
        for one in told[::turn]:
            await shop.receive(one)
        stored = await shop.session(name)
        assert stored["review"]["reason"] == "foreign_checkout"
        reviews = await shop.events(sessionId=name, status="review")
        outcomes.add((stored["status"], stored["providerPaymentId"][:5], len(reviews)))
    assert outcomes == {("completed", "pay_3", 2)}


async def test_control_without_the_look_at_its_checkout_it_would_complete(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "ownership_of", lambda *_: own.Ownership.OWN)
    await _open(shop, "a")
    await shop.api.told(_paid("a", "pay_1", "order_foreign"))
    assert await _review(shop, "a") == ("completed", None)


async def test_the_first_order_that_names_a_session_without_one_is_its_own(shop: Shop) -> None:
    await shop.api.open(sessionId="a", paymentMethod="stripe")
    paid = shop.stripe_paid(await shop.api.read("a"))
    assert (await shop.api.told(paid))["outcome"] == "processed"
    assert (await shop.session("a"))["checkoutIds"] == ["cs_test_a"]
    second = shop.stripe_paid(await shop.api.read("a"), id="cs_test_2", payment_intent="pi_2")
    await shop.api.told(second)
    assert await _review(shop, "a") == ("completed", "duplicate_payment")


async def _meet_another(shop: Shop, *, merchants: bool) -> None:
    """Let a payment of session a be told of b, too; what tells it is genuinely signed."""
    issued = await issue_key(shop.clock, Kind.SECRET, merchant_id="another")
    await _open(shop, "a")
    await _open(shop, "b", issued.key if merchants else SECRET)
    await shop.api.told(_paid("a", "pay_1", "order_a"))
    notes = {"merchantId": "another"} if merchants else {}
    await shop.api.told(_paid("b", "pay_1", "order_b", **notes))
    assert (await shop.session("a"))["providerPaymentId"] == "pay_1"


@pytest.mark.parametrize("merchants", [False, True])
async def test_a_payment_that_meets_a_second_session_completes_nothing(
    shop: Shop, *, merchants: bool
) -> None:
    await _meet_another(shop, merchants=merchants)
    assert await _review(shop, "b") == ("pending", "payment_of_another_session")
    [row] = await shop.payments()
    assert (row["merchantId"], row["sessionId"]) == ("default", "a")
    if not merchants:
        [event] = await shop.events(sessionId="b")
        accepted = await shop.admin("POST", f"/reviews/{event['_id']}/accept", json={})
        assert accepted.status_code == 409, accepted.text
        assert (await shop.admin("POST", f"/webhook-events/{event['_id']}/replay")).is_success
        settled = {"status": "completed", "providerPaymentId": "pay_1"}
        problem(await change(shop.api, sessionId="b", **settled), 409, "payment_taken")
        assert await _review(shop, "b") == ("pending", "payment_of_another_session")


async def test_control_without_the_claim_one_payment_completes_two(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effects, "check_ownership", lambda doing, *_, **__: doing)
    await _meet_another(shop, merchants=False)
    assert await _review(shop, "b") == ("completed", None)


async def _settle_with_anothers(shop: Shop, *, merchants: bool) -> None:
    issued = await issue_key(shop.clock, Kind.SECRET, merchant_id="another")
    key = issued.key if merchants else SECRET
    await _open(shop, "a")
    await _open(shop, "b", key)
    settled = {"sessionId": "b", "status": "completed", "providerPaymentId": "pay_1"}
    assert (await change(shop.api, key, **settled)).status_code == 200
    await shop.api.told(_paid("a", "pay_1", "order_a"))


@pytest.mark.parametrize("merchants", [False, True])
async def test_a_settlement_by_hand_does_not_take_anothers_coming_payment(
    shop: Shop, *, merchants: bool
) -> None:
    await _settle_with_anothers(shop, merchants=merchants)
    assert await _review(shop, "a") == ("completed", None)
    assert await _review(shop, "b") == ("completed", None)
    by_hand = f"hand:{'another' if merchants else 'default'}:b"
    rows = [(row["providerPaymentId"], row["sessionId"]) for row in await shop.payments()]
    assert rows == [(by_hand, "b"), ("pay_1", "a")]


async def test_control_were_the_row_keyed_by_what_it_names_the_payer_would_get_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(complete_by_hand, "_hand_id", lambda _: "pay_1")
    await _settle_with_anothers(shop, merchants=False)
    assert await _review(shop, "a") == ("pending", "payment_of_another_session")
