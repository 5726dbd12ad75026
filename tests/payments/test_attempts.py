"""Tries at paying: one row for each that failed, numbered with what stands when they are read."""

import itertools
from typing import Any

import pytest

from service.payments.attempts import repository
from service.payments.attempts.operations import record
from service.payments.attempts.operations.tries import Try, tries_of
from service.payments.payments import repository as payments
from tests.effects import streams
from tests.effects.returned import one_of
from tests.support.events import stripe_intent
from tests.support.shop import LEFT_OUT, Shop

# The ids of events are random.
_LEFT_OUT = LEFT_OUT | {"createdAt", "eventId"}


async def _tries(shop: Shop, session: dict[str, Any]) -> list[Try]:
    key = ("default", session["sessionId"])
    return tries_of(await payments.of_session(*key), await repository.of_session(*key))


def _declined(shop: Shop, session: dict[str, Any], number: int, **error: Any) -> Any:
    charge = f"ch_{number}_{session['sessionId']}"
    failed = stripe_intent(session, amount_received=0, latest_charge=charge, payment_method=None)
    tried = {"id": f"pm_{number}", "type": "card", "card": {"brand": "visa", "last4": "0002"}}
    tried["billing_details"] = {"address": {"country": "DE"}}
    failed["last_payment_error"] = {
        "code": "card_declined",
        "message": "Your card has insufficient funds.",
        "decline_code": "insufficient_funds",
        "payment_method": tried,
        "charge": charge,
    } | error
    return shop.stripe("payment_intent.payment_failed", failed, number)


async def test_a_failed_try_says_what_the_provider_said_of_it(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.receive(_declined(shop, session, 1))
    row = await one_of(shop, "payment_attempts")
    assert row["attemptId"] == f"ch_1_{session['sessionId']}"
    assert (row["sessionId"], row["userId"]) == (session["sessionId"], "user_123")
    assert (row["failureCode"], row["declineCode"]) == ("card_declined", "insufficient_funds")
    assert row["failureMessage"] == "Your card has insufficient funds."
    assert row["failureDetails"]["code"] == "card_declined"
    assert (row["method"], row["methodId"], row["country"]) == ("card", "pm_1", "DE")
    assert row["methodDetails"] == {"brand": "visa", "last4": "0002"}
    assert row["status"] == "failed"


async def test_tries_are_numbered_as_they_were_made_and_the_one_that_paid_is_the_last(
    shop: Shop,
) -> None:
    session = await shop.api.open()
    for number in (2, 1):
        await shop.receive(_declined(shop, session, number))
    paid = stripe_intent(session, latest_charge="ch_3", payment_method="pm_3")
    await shop.receive(shop.stripe("payment_intent.succeeded", paid, 3))
    made = await _tries(shop, session)
    assert [(one.number, one.method_id, one.status.value) for one in made] == [
        (1, "pm_1", "failed"),
        (2, "pm_2", "failed"),
        (3, "pm_3", "succeeded"),
    ]
    assert await shop.database["payment_attempts"].count_documents({}) == 2


async def test_a_try_that_failed_and_came_back_is_one(shop: Shop) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    for delivery in streams.razorpay_late_authorization(shop, session, 60):
        await shop.receive(delivery)
    [made] = await _tries(shop, session)
    assert made.status.value == "succeeded"


async def _rows(shop: Shop, order: tuple[int, ...]) -> list[dict[str, Any]]:
    session = await shop.api.open()
    told = [
        _declined(shop, session, 1),
        _declined(shop, session, 1, message="Declined."),
        _declined(shop, session, 2),
    ]
    for number in order:
        await shop.receive(told[number])
    found = await shop.database["payment_attempts"].find({}).sort("attemptId", 1).to_list()
    await shop.database["payment_attempts"].delete_many({})
    sid = session["sessionId"]
    return [
        {
            name: str(value).replace(sid, "ID")
            for name, value in row.items()
            if name not in _LEFT_OUT
        }
        for row in found
    ]


async def test_any_order_and_any_number_of_reports_leaves_equal_rows(shop: Shop) -> None:
    orders = [(*order, order[0]) for order in itertools.permutations(range(3))]
    rows = [await _rows(shop, order) for order in orders]
    assert [len(one) for one in rows] == [2] * 6
    assert all(one == rows[0] for one in rows)


async def test_control_where_the_last_word_stands_the_order_shows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "changes_said", lambda known, said, _: known.differing(said))
    orders = [(*order, order[0]) for order in itertools.permutations(range(3))]
    rows = [await _rows(shop, order) for order in orders]
    assert any(one != rows[0] for one in rows)


async def test_each_try_to_collect_an_invoice_is_one_of_its_own(shop: Shop) -> None:
    for number in (1, 2, 2):
        row = {"id": "in_1", "object": "invoice", "amount_due": 900, "currency": "usd"}
        row |= {"subscription": "sub_1", "attempt_count": number, "customer": "cus_1"}
        await shop.receive(shop.stripe("invoice.payment_failed", row, number))
    rows = await shop.database["payment_attempts"].find({}).sort("attemptId", 1).to_list()
    assert [one["attemptId"] for one in rows] == ["in_1:1", "in_1:2"]


async def test_what_a_payment_leaves_after_its_fee_is_known_once_the_fee_is(shop: Shop) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    await shop.receive(shop.razorpay("payment.captured", session, fee=20, tax=3))
    payment = await payments.find("razorpay", "default", f"pay_{session['sessionId']}")
    assert payment is not None
    assert payment.net == session["amount"] - 20
    other = await shop.api.open(sessionId="another")
    await shop.receive(shop.stripe_paid(other))
    unknown = await payments.find("stripe", "default", "pi_another")
    assert unknown is not None
    assert unknown.net is None
