"""What is posted for payments: sales or suspense, once, and anew where a person decides."""

import asyncio

import pytest
from msgspec import structs

from service.bookkeeping.operations import group
from service.bookkeeping.operations import post as posting
from service.effects import payments
from service.payments.payments.documents import Payment
from service.payments.payments.operations.merging import changes_by, new_row_of
from service.payments.payments.operations.reported import ReportedPayment
from service.payments.payments.states import PaymentStatus
from service.reviews.operations import outcomes
from service.storage.keys import Keys
from service.storage.transaction import Transaction
from tests.bookkeeping.books import accounts, checked, post
from tests.conftest import NOON
from tests.effects.returned import stripe_refund, try_waiting
from tests.support.shop import Shop


async def test_a_paid_session_is_a_sale_and_is_posted_once(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.receive(shop.stripe_paid(session))
    assert [(await post(shop)).figures()["entries_posted"] for _ in range(2)] == [1, 0]
    assert await accounts(shop.database) == {"clearing:stripe": 1000, "sales": -1000}
    [entry] = await shop.database["entries"].find().to_list()
    [event] = await shop.events()
    assert entry["eventId"] == event["_id"]
    books = await checked()
    assert (books.count, books.payments, books.entries, books.whole) == (0, 1, 1, True)


async def test_money_that_did_not_come_is_not_posted(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.receive(shop.razorpay("payment.failed", session))
    await shop.receive(shop.razorpay("payment.authorized", session, 1))
    await post(shop)
    assert await accounts(shop.database) == {}
    assert (await checked()).count == 0


async def test_what_fits_no_session_is_in_suspense(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.receive(shop.stripe_paid(session))
    await shop.receive(shop.stripe_paid(session, payment_intent="pi_second"))
    await post(shop)
    expected = {"clearing:stripe": 2000, "sales": -1000, "suspense": -1000}
    assert await accounts(shop.database) == expected
    assert (await checked()).count == 0


async def test_a_payment_that_a_person_accepts_becomes_a_sale(shop: Shop) -> None:
    path = await _accepting(shop)
    await post(shop)
    assert await accounts(shop.database) == {"clearing:stripe": 900, "suspense": -900}
    answer = await shop.admin("POST", path, json={"reason": "ok"})
    assert answer.status_code == 200
    await post(shop)
    assert await accounts(shop.database) == {"clearing:stripe": 900, "sales": -900}
    assert (await checked()).count == 0


async def test_the_same_money_twice_is_one_sale(shop: Shop) -> None:
    session = await shop.api.open()
    body = {"sessionId": session["sessionId"], "status": "completed", "reason": "at the bank"}
    assert (await shop.api.call("PUT", "/api/payment-sessions", json=body)).status_code == 200
    await post(shop)
    assert await accounts(shop.database) == {"clearing:hand": 1000, "sales": -1000}
    await shop.receive(shop.stripe_paid(session))
    await post(shop)
    [event] = await shop.events(status="review")
    path = f"/reviews/{event['_id']}/same-money"
    assert (await shop.admin("POST", path, json={"reason": "one"})).status_code == 200
    await post(shop)
    assert await accounts(shop.database) == {"clearing:stripe": 1000, "sales": -1000}
    assert (await checked()).count == 0


async def test_what_a_purged_session_was_sold_for_stays_a_sale(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.receive(shop.stripe_paid(session))
    await post(shop)
    await shop.database["sessions"].delete_many({})
    await shop.database["payments"].update_many({}, {"$set": {"unposted": True}})
    await post(shop)
    assert await accounts(shop.database) == {"clearing:stripe": 1000, "sales": -1000}
    assert (await checked()).count == 0


async def test_a_payment_that_changes_while_it_is_posted_is_posted_anew(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await _accepting(shop)
    answers: list[int] = []

    async def gather_and_accept(keys: Keys, tx: Transaction) -> group.Booked:
        booked = await gather(keys, tx)
        if not answers:
            answers.append((await shop.admin("POST", path, json={"reason": "ok"})).status_code)
        return booked

    gather = group.gather
    monkeypatch.setattr(posting, "gather", gather_and_accept)
    await post(shop)
    assert answers == [200]
    assert await accounts(shop.database) == {"clearing:stripe": 900, "sales": -900}
    assert (await checked()).count == 0


async def test_without_the_mark_of_the_decision_it_would_stay_in_suspense(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await _accepting(shop)
    await post(shop)

    async def leave(*_: object) -> None:
        pass

    monkeypatch.setattr(outcomes, "_post_anew", leave)
    assert (await shop.admin("POST", path, json={"reason": "ok"})).status_code == 200
    await post(shop)
    assert await accounts(shop.database) == {"clearing:stripe": 900, "suspense": -900}
    books = await checked()
    assert "sales lacks -900" in next(one.what for one in books.faults)


async def _accepting(shop: Shop) -> str:
    """Have a payment that does not fit reviewed, and return the path that accepts it.

    The clock stands: the decision is of the millisecond in which the payment was written.
    """
    session = await shop.api.open()
    await shop.receive(shop.stripe_paid(session, amount_total=900))
    [event] = await shop.events(status="review")
    return f"/reviews/{event['_id']}/accept"


async def _claimed_late(shop: Shop) -> None:
    """Have a payment of a session that is yet to be opened, and a refund of it, posted before."""
    session = {"sessionId": "s-1", "amount": 1000, "currency": "INR"}
    await shop.receive(shop.stripe_paid(session))
    await shop.receive(stripe_refund(shop, session, status="succeeded"))
    await post(shop)
    assert await accounts(shop.database) == {"clearing:stripe": 600, "suspense": -600}
    await shop.api.open(sessionId="s-1")
    shop.pass_time(minutes=1)
    assert await try_waiting(shop) == 1


async def test_a_payment_whose_session_is_known_later_becomes_a_sale(shop: Shop) -> None:
    await _claimed_late(shop)
    await post(shop)
    expected = {"clearing:stripe": 600, "sales": -1000, "refunds": 400}
    assert await accounts(shop.database) == expected
    assert (await checked()).count == 0


async def _fits_after_all(shop: Shop) -> None:
    """Have a payment posted that doesn't fit its session, and tell of it again when it does."""
    session = await shop.api.open()
    await shop.receive(shop.stripe_paid(session, amount_total=900))
    await post(shop)
    price = {"$set": {"amount": 900}}
    await shop.database["sessions"].update_one({"sessionId": session["sessionId"]}, price)
    await shop.receive(shop.stripe_paid(session, amount_total=900))
    assert (await shop.session(session["sessionId"]))["status"] == "completed"
    await post(shop)


async def test_a_payment_that_fits_its_session_after_all_becomes_a_sale(shop: Shop) -> None:
    await _fits_after_all(shop)
    assert await accounts(shop.database) == {"clearing:stripe": 900, "sales": -900}
    assert (await checked()).count == 0


async def test_control_unless_a_completion_marks_its_payment_it_stays_in_suspense(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payments, "is_sold_now", lambda *_: False)
    await _fits_after_all(shop)
    assert await accounts(shop.database) == {"clearing:stripe": 900, "suspense": -900}
    assert (await checked()).count == 2


def test_what_an_entry_is_made_of_marks_a_payment_and_nothing_else_does() -> None:
    paid = ReportedPayment(
        *("default", "stripe", "default", False, "pi_1", 1000, "USD"),
        status=PaymentStatus.SUCCEEDED,
        occurred_at=NOON,
    )
    row = Payment.model_validate(new_row_of(paid, NOON) | {"unposted": False})
    for name, value in (("session_id", "s-1"), ("provider_subscription_id", "sub_1")):
        assert changes_by(row, structs.replace(paid, **{name: value}))["unposted"] is True
    customer = changes_by(row, structs.replace(paid, provider_customer_id="cus_1"))
    assert customer == {"providerCustomerId": "cus_1"}


async def test_two_processes_that_post_at_once_post_once(shop: Shop) -> None:
    for _ in range(5):
        await shop.receive(shop.stripe_paid(await shop.api.open()))
    reports = await asyncio.gather(*(post(shop) for _ in range(4)), return_exceptions=True)
    assert not [one for one in reports if isinstance(one, BaseException)]
    await post(shop)
    assert await accounts(shop.database) == {"clearing:stripe": 5000, "sales": -5000}
    assert await shop.database["entries"].count_documents({}) == 5
