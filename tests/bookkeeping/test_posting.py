"""What is posted for payments: sales or suspense, once, and anew where a person decides."""

import asyncio

import pytest

from service.bookkeeping.operations import group
from service.bookkeeping.operations import post as posting
from service.reviews.operations import outcomes
from service.storage.keys import Keys
from service.storage.transaction import Transaction
from tests.bookkeeping.books import accounts, checked, post
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


async def test_two_processes_that_post_at_once_post_once(shop: Shop) -> None:
    for _ in range(5):
        await shop.receive(shop.stripe_paid(await shop.api.open()))
    reports = await asyncio.gather(*(post(shop) for _ in range(4)), return_exceptions=True)
    assert not [one for one in reports if isinstance(one, BaseException)]
    await post(shop)
    assert await accounts(shop.database) == {"clearing:stripe": 5000, "sales": -5000}
    assert await shop.database["entries"].count_documents({}) == 5
