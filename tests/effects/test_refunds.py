"""Refunds as providers report them: one row each, the payment's sums, in any order."""

import itertools
from typing import Any

import pytest

from service.effects import ledger as effects_ledger
from service.inbox import repository as inbox
from service.payments.payments import repository as payments
from service.payments.payments.operations import derive
from service.payments.refunds.operations import record
from service.payments.refunds.states import derived_id
from tests.effects.returned import (
    Session,
    ledger,
    one_of,
    razorpay_refund,
    stripe_refund,
    try_waiting,
)
from tests.support.api import SECRET
from tests.support.events import (
    Delivery,
    razorpay_event,
    razorpay_payment,
    stripe_checkout,
)
from tests.support.shop import Shop


async def _paid(shop: Shop, **fields: Any) -> Session:
    session = await shop.api.open(**fields)
    assert (await shop.api.told(shop.stripe_paid(session)))["outcome"] == "processed"
    return session


def _life(shop: Shop, session: Session) -> dict[str, Delivery]:
    """Return a payment's success and its refund's life, all within one second."""
    paid, found = f"evt_paid{session['sessionId']}", stripe_checkout(session)
    failed = {"status": "failed", "failure_reason": "lost_or_stolen_card"}
    return {
        "paid": shop.stripe("checkout.session.completed", found, event_id=paid),
        "created": stripe_refund(shop, session, "created"),
        "succeeded": stripe_refund(shop, session, "updated", status="succeeded"),
        "failed": stripe_refund(shop, session, "failed", **failed),
    }


async def _after(shop: Shop, order: tuple[str, ...]) -> str:
    session = await shop.api.open()
    events = _life(shop, session)
    for name in order:
        await shop.receive(events[name])
        await try_waiting(shop)
    return await ledger(shop, session)


async def test_a_payment_and_its_refund_end_alike_in_all_orders(shop: Shop) -> None:
    ends = {
        order: await _after(shop, order)
        for order in itertools.permutations(("paid", "created", "succeeded", "failed"))
    }
    assert len(set(ends.values())) == 1
    assert '"failureCode": "lost_or_stolen_card"' in next(iter(ends.values()))


async def test_control_where_the_last_word_stands_the_order_shows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def last(known: Any, said: dict[str, Any], place: int) -> dict[str, Any]:
        found: dict[str, Any] = known.differing({**said})
        return found

    monkeypatch.setattr(record, "changes_said", last)
    orders = [("paid", "succeeded", "failed"), ("paid", "failed", "succeeded")]
    assert len({await _after(shop, order) for order in orders}) == 2


async def test_what_succeeded_is_refunded_what_is_under_way_reserved_and_what_failed_neither(
    shop: Shop,
) -> None:
    session = await _paid(shop)
    states = []
    for name, delivery in list(_life(shop, session).items())[1:]:
        assert (await shop.api.told(delivery))["outcome"] == "processed", name
        row = await one_of(shop, "payments")
        states.append((row["refunded"], row["reserved"], row["status"]))
    assert states == [(0, 400, "succeeded"), (400, 0, "succeeded"), (0, 0, "succeeded")]
    assert (await shop.session(session["sessionId"]))["status"] == "completed"
    refund = await one_of(shop, "refunds")
    assert [move["to"] for move in refund["history"]] == ["processing", "succeeded", "failed"]
    assert refund["source"] == "provider"
    assert refund["unposted"] is True
    assert refund["refundId"] == derived_id("stripe", "default", f"re_{session['sessionId']}")


async def test_each_state_is_told_once_however_often_it_is_reported(shop: Shop) -> None:
    session = await _paid(shop)
    succeeded = stripe_refund(shop, session, status="succeeded")
    assert not (await shop.api.told(succeeded))["duplicate"]
    assert (await shop.api.told(succeeded))["duplicate"]
    await shop.api.told(stripe_refund(shop, session, status="succeeded", name="again"))
    [message] = await shop.messages("refund.succeeded")
    assert message["payload"]["amount"] == 400
    assert message["sessionId"] == session["sessionId"]
    await shop.api.told(stripe_refund(shop, session, "failed", status="failed"))
    assert len(await shop.messages("refund.failed")) == 1


async def test_a_refund_of_a_payment_that_is_not_known_waits_and_is_tried_when_it_comes(
    shop: Shop,
) -> None:
    session = await shop.api.open()
    told = await shop.api.told(stripe_refund(shop, session, status="succeeded"))
    assert told["outcome"] == "parked"
    [row] = await shop.events()
    assert f"pi_{session['sessionId']}" in row["waitsFor"]
    assert await try_waiting(shop) == 0  # not before its time, by the clock alone
    await shop.api.told(shop.stripe_paid(session))
    assert await try_waiting(shop) == 1
    [row] = await shop.events(type="refund.updated")
    assert (row["status"], row["waitsFor"]) == ("processed", [])
    assert (row["sessionId"], row["userId"]) == (session["sessionId"], "user_123")
    assert row["objectId"] == f"re_{session['sessionId']}"
    assert (await one_of(shop, "payments"))["refunded"] == 400


async def test_control_without_the_wake_it_waits_for_its_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def asleep(*_: object) -> None:
        return

    monkeypatch.setattr(inbox, "wake", asleep)
    session = await shop.api.open()
    await shop.api.told(stripe_refund(shop, session, status="succeeded"))
    await shop.api.told(shop.stripe_paid(session))
    assert await try_waiting(shop) == 0


async def test_a_payment_of_somebody_else_wakes_nothing(shop: Shop) -> None:
    session, other = await shop.api.open(), await shop.api.open(sessionId="another")
    await shop.api.told(stripe_refund(shop, session, status="succeeded"))
    await shop.api.told(shop.stripe_paid(other))
    assert await try_waiting(shop) == 0


async def test_what_is_refunded_beyond_the_amount_is_kept_apart_in_any_order(shop: Shop) -> None:
    ends = set()
    for order in itertools.permutations((700, 600, 500)):
        session = await _paid(shop, amount=1000)
        for amount in order:
            fields = {"id": f"re_{amount}_{session['sessionId']}", "amount": amount}
            await shop.api.told(
                stripe_refund(shop, session, status="succeeded", name=str(amount), **fields)
            )
        row = await one_of(shop, "payments", sessionId=session["sessionId"])
        ends.add((row["refunded"], row["excess"], row["reserved"]))
    assert ends == {(1000, 800, 0)}


async def test_control_where_nothing_caps_it_more_is_refunded_than_was_paid(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derive, "capped", lambda refunded, _: {"refunded": refunded})
    session = await _paid(shop, amount=1000)
    await shop.api.told(stripe_refund(shop, session, status="succeeded", amount=1700))
    row = await one_of(shop, "payments")
    assert (row["refunded"], row["excess"]) == (1700, 0)


async def test_money_in_another_currency_takes_nothing_of_the_amount(shop: Shop) -> None:
    session = await _paid(shop)
    await shop.api.told(stripe_refund(shop, session, status="succeeded", currency="jpy"))
    row = await one_of(shop, "payments")
    assert (row["refunded"], row["excess"]) == (0, 0)
    assert (await one_of(shop, "refunds"))["currency"] == "JPY"


async def _own(shop: Shop, session: Session, refund_id: str = "ours-0000000001") -> None:
    """Put a refund of our own, as it is before its provider is called."""
    payment = await one_of(shop, "payments", sessionId=session["sessionId"])
    row = record.Refund.new_row(
        {
            **{name: payment[name] for name in ("merchantId", "provider", "account")},
            **{name: payment[name] for name in ("providerPaymentId", "sessionId", "userId")},
            **{"refundId": refund_id, "paymentId": str(payment["_id"]), "amount": 400},
            **{"currency": payment["currency"], "status": "approved", "source": "customer"},
            **{"reason": "too small", "createdAt": shop.clock.now(), "updatedAt": shop.clock.now()},
        }
    )
    await shop.database["refunds"].insert_one(row)


async def test_an_event_that_names_our_refund_moves_its_row(shop: Shop) -> None:
    session = await _paid(shop)
    await _own(shop, session)
    ours = {"metadata": {"refundId": "ours-0000000001"}}
    await shop.api.told(stripe_refund(shop, session, status="succeeded", **ours))
    refund = await one_of(shop, "refunds")
    assert (refund["refundId"], refund["status"]) == ("ours-0000000001", "succeeded")
    assert (refund["reason"], refund["source"]) == ("too small", "customer")
    assert refund["providerRefundId"] == f"re_{session['sessionId']}"
    assert (await one_of(shop, "payments"))["refunded"] == 400


async def test_our_id_that_somebody_copied_to_another_refund_moves_nothing_of_ours(
    shop: Shop,
) -> None:
    session, other = await _paid(shop), await _paid(shop, sessionId="other")
    await _own(shop, session)
    ours = {"metadata": {"refundId": "ours-0000000001"}}
    await shop.api.told(stripe_refund(shop, other, status="succeeded", **ours))
    await shop.api.told(stripe_refund(shop, session, status="succeeded", **ours))
    copied = {"id": "re_copied", "name": "copied"}
    await shop.api.told(stripe_refund(shop, session, status="succeeded", **ours | copied))
    rows = await shop.database["refunds"].find().sort("source", 1).to_list()
    assert [row["source"] for row in rows] == ["customer", "provider", "provider"]
    assert rows[0]["providerRefundId"] == f"re_{session['sessionId']}"
    sums = {row["sessionId"]: row["refunded"] for row in await shop.payments()}
    assert sums == {session["sessionId"]: 800, "other": 400}


async def test_a_refund_of_what_was_never_captured_voids_the_payment(shop: Shop) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    held = razorpay_payment(session, status="authorized", captured=False)
    events = [
        razorpay_event("payment.authorized", {"payment": held}, created=shop.unix()),
        razorpay_refund(
            shop, session, "created", payment={"captured": False, "status": "refunded"}
        ),
        razorpay_refund(
            shop, session, "processed", 5, payment={"captured": False, "status": "refunded"}
        ),
    ]
    for delivery in events:
        await shop.receive(delivery)
    row = await one_of(shop, "payments")
    assert (row["status"], row["refunded"], row["reserved"]) == ("canceled", 0, 0)
    assert row["unposted"] is False
    refund = await one_of(shop, "refunds")
    assert (refund["void"], refund["status"]) == (True, "succeeded")
    found = await shop.session(session["sessionId"])
    assert (found["status"], found["liveAttempts"]) == ("pending", [])


async def test_control_a_refund_of_what_was_captured_voids_nothing(shop: Shop) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    await shop.receive(shop.razorpay("payment.captured", session))
    await shop.receive(razorpay_refund(shop, session, "processed", payment={"captured": True}))
    row = await one_of(shop, "payments")
    assert (row["status"], row["refunded"]) == ("succeeded", 400)
    assert (await one_of(shop, "refunds"))["void"] is False


async def test_a_refund_waits_for_its_own_payment_and_takes_no_other_try_of_its_order(
    shop: Shop,
) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    await shop.receive(shop.razorpay("payment.failed", session, id="pay_first", status="failed"))
    refund = razorpay_refund(shop, session, "processed", payment={"captured": True})
    assert (await shop.receive(refund)).outcome == "parked"
    await shop.receive(shop.razorpay("payment.captured", session))
    assert await try_waiting(shop) == 1
    sums = {row["providerPaymentId"]: row["refunded"] for row in await shop.payments()}
    assert sums == {"pay_first": 0, f"pay_{session['sessionId']}": 400}


async def test_control_a_refund_that_counts_its_order_would_take_the_other_try(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        effects_ledger, "payment_ids", lambda fact: (fact.provider_payment_id, *fact.payment_ids)
    )
    session = await shop.api.open(paymentMethod="razorpay")
    await shop.receive(shop.razorpay("payment.failed", session, id="pay_first", status="failed"))
    refund = razorpay_refund(shop, session, "processed", payment={"captured": True})
    assert (await shop.receive(refund)).outcome == "processed"


async def test_a_subscription_s_payment_is_found_by_the_intent_that_paid_its_invoice(
    shop: Shop,
) -> None:
    row = {"id": "in_1", "object": "invoice", "amount_paid": 900, "currency": "usd"}
    row |= {"subscription": "sub_1", "payment_intent": "pi_sub", "customer": "cus_1"}
    await shop.receive(shop.stripe("invoice.paid", row))
    named = {"payment_intent": "pi_sub", "charge": None, "status": "succeeded"}
    await shop.receive(stripe_refund(shop, {"sessionId": "x", "currency": "usd"}, **named))
    payment = await one_of(shop, "payments")
    assert (payment["providerPaymentId"], payment["refunded"]) == ("in_1", 400)
    found = await payments.find_reported("stripe", "default", ["pi_sub"])
    assert found is not None


async def test_an_id_that_was_only_named_by_hand_finds_no_payment(shop: Shop) -> None:
    session = await shop.api.open()
    body = {"status": "completed", "providerPaymentId": "pi_named", "reason": "told by phone"}
    body["sessionId"] = session["sessionId"]
    answer = await shop.api.call("PATCH", "/api/payment-sessions", SECRET, json=body)
    assert answer.status_code == 200, answer.text
    named = {"payment_intent": "pi_named", "charge": None, "status": "succeeded"}
    assert (await shop.receive(stripe_refund(shop, session, **named))).outcome == "parked"
    assert (await one_of(shop, "payments"))["refunded"] == 0


@pytest.mark.parametrize(("said", "outcome"), [("unknown", "ignored"), ("cs_unknown", "parked")])
async def test_what_says_itself_that_its_session_is_unknown_is_ignored(
    shop: Shop, said: str, outcome: str
) -> None:
    strange = {"sessionId": "of-another-system", "amount": 100, "currency": "USD"}
    fields = {"metadata": {"checkoutSessionId": said}, "client_reference_id": None}
    assert (await shop.api.told(shop.stripe_paid(strange, **fields)))["outcome"] == outcome
    assert (await one_of(shop, "payments"))["status"] == "succeeded"


async def test_what_waits_for_its_payment_names_its_session_so_that_it_is_not_purged(
    shop: Shop,
) -> None:
    session = await shop.api.open()
    named = {"metadata": {"sessionId": session["sessionId"]}}
    assert (await shop.receive(stripe_refund(shop, session, **named))).outcome == "parked"
    [row] = await shop.events()
    assert (row["sessionId"], row["userId"]) == (session["sessionId"], "user_123")
    assert await inbox.sessions_waited_for([session["sessionId"]])
