"""Money that does not fit: taken with 200, kept in the ledger; a person decides."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from service.effects import payments as effects
from tests.support.events import Delivery, phonepe_callback, razorpay_event, razorpay_payment
from tests.support.shop import Shop, completions

Make = Callable[[Shop, dict[str, Any]], Delivery]


def _stripe(**fields: Any) -> Make:
    return lambda shop, session: shop.stripe_paid(session, **fields)


def _intent_of(**envelope: Any) -> Make:
    def make(shop: Shop, session: dict[str, Any]) -> Delivery:
        paid = shop.stripe_paid(session)
        found = json.loads(paid.body)["data"]["object"]
        return shop.stripe("checkout.session.completed", found, **envelope)

    return make


def _partial(shop: Shop, session: dict[str, Any]) -> Delivery:
    link = {"id": "plink_1", "reference_id": session["sessionId"], "notes": []}
    payment = razorpay_payment(session, amount=400)
    return razorpay_event("payment_link.partially_paid", {"payment": payment, "payment_link": link})


MISFITS: list[tuple[str, str, Make]] = [
    ("stripe", "amount_mismatch", _stripe(amount_total=999)),
    ("stripe", "currency_mismatch", _stripe(currency="usd")),
    ("stripe", "account_mismatch", _intent_of(account="acct_foreign")),
    ("stripe", "mode_mismatch", _intent_of(livemode=True)),
    ("stripe", "payment_was_due", _stripe(payment_status="no_payment_required", amount_total=0)),
    ("razorpay", "amount_mismatch", lambda shop, s: shop.razorpay("payment.captured", s, amount=1)),
    ("razorpay", "partial_payment", _partial),
    ("razorpay", "amount_mismatch", lambda shop, s: shop.razorpay("order.paid", s, amount=1001)),
    ("phonepe", "amount_mismatch", lambda _, s: phonepe_callback(s, amount=100_000)),
    ("phonepe", "account_mismatch", lambda _, s: phonepe_callback(s, merchantId="OTHER")),
]


@pytest.mark.parametrize(("provider", "reason", "make"), MISFITS)
async def test_what_does_not_fit_goes_to_review_and_completes_nothing(
    shop: Shop, provider: str, reason: str, make: Make
) -> None:
    session = await shop.api.open(paymentMethod=provider)
    answer = await shop.api.told(make(shop, session))

    assert answer == {"received": True, "duplicate": False, "outcome": "review"}
    stored = await shop.session(session["sessionId"])
    assert (stored["status"], stored["review"]["reason"]) == ("pending", reason)
    [row] = await shop.events()
    assert (row["status"], row["reason"], row["purgeAt"]) == ("review", reason, None)
    assert stored["review"]["eventId"] == row["_id"]
    money = reason != "payment_was_due"
    assert [one["status"] for one in await shop.payments()] == ["succeeded"] * money
    assert await shop.messages("session.completed") == []


async def test_control_without_the_comparison_a_wrong_amount_completes(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effects, "mismatch", lambda *_: None)
    session = await shop.api.open()
    await shop.api.told(shop.stripe_paid(session, amount_total=1))
    assert (await shop.session(session["sessionId"]))["status"] == "completed"


async def test_a_second_payment_of_a_completed_session_is_kept_and_reviewed(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.api.told(shop.stripe_paid(session))
    second = shop.stripe_paid(session, id="cs_test_second", payment_intent="pi_second")
    assert (await shop.api.told(second))["outcome"] == "review"

    stored = await shop.session(session["sessionId"])
    assert completions(stored) == 1
    assert stored["providerPaymentId"] == f"pi_{session['sessionId']}"
    assert stored["review"]["reason"] == "duplicate_payment"
    assert len(await shop.payments(sessionId=session["sessionId"])) == 2


async def test_of_two_payments_at_once_one_completes_and_one_is_reviewed(shop: Shop) -> None:
    session = await shop.api.open()
    payments = [
        shop.stripe_paid(session, id=f"cs_test_{n}", payment_intent=f"pi_{n}") for n in range(4)
    ]
    answers = await asyncio.gather(*(shop.api.told(one) for one in payments))
    outcomes = sorted(answer["outcome"] for answer in answers)
    assert outcomes == ["processed", "review", "review", "review"]
    assert completions(await shop.session(session["sessionId"])) == 1
    assert len(await shop.payments(sessionId=session["sessionId"])) == 4


async def _reviewed(shop: Shop) -> tuple[str, str]:
    session = await shop.api.open()
    await shop.api.told(shop.stripe_paid(session, amount_total=900))
    [row] = await shop.events(sessionId=session["sessionId"])
    return session["sessionId"], str(row["_id"])


@pytest.mark.parametrize("by", ["session id", "event id"])
async def test_a_review_is_listed_accepted_audited_and_decided_once(shop: Shop, by: str) -> None:
    sid, event_id = await _reviewed(shop)
    listed = (await shop.admin("GET", "/reviews")).json()["reviews"]
    assert [(one["id"], one["sessionId"], one["reason"]) for one in listed] == [
        (event_id, sid, "amount_mismatch")
    ]
    name = sid if by == "session id" else event_id
    accepted = await shop.admin("POST", f"/reviews/{name}/accept", json={"reason": "a gift"})

    assert accepted.status_code == 200, accepted.text
    session = accepted.json()["session"]
    assert (session["status"], session["review"]) == ("completed", None)
    assert session["providerPaymentId"] == f"pi_{sid}"
    assert session["history"][-1]["reason"] == "accepted: amount_mismatch"
    assert (await shop.admin("GET", "/reviews")).json()["reviews"] == []
    for decision in ("accept", "reject"):
        again = await shop.admin("POST", f"/reviews/{name}/{decision}", json={"reason": "again"})
        assert (again.status_code, again.json()["error"]) == (409, "already_decided")
    entries = (await shop.admin("GET", f"/audit?object=session:{sid}")).json()["entries"]
    assert [(one["action"], one["reason"]) for one in entries] == [("review.accepted", "a gift")]
    assert len(await shop.messages("session.completed")) == 1


async def test_a_rejected_review_leaves_the_session_and_keeps_the_money_s_row(shop: Shop) -> None:
    sid, event_id = await _reviewed(shop)
    for missing in ({}, {"reason": ""}, {"reason": None}):
        refused = await shop.admin("POST", f"/reviews/{event_id}/reject", json=missing)
        assert refused.status_code == 400, refused.text
    rejected = await shop.admin("POST", f"/reviews/{event_id}/reject", json={"reason": "refund"})

    session = rejected.json()["session"]
    assert (session["status"], session["review"]) == ("pending", None)
    [payment] = await shop.payments(sessionId=sid)
    assert (payment["amount"], payment["status"]) == (900, "succeeded")
    [row] = await shop.events()
    assert row["decision"]["accepted"] is False
    assert row["purgeAt"] is not None
    entries = (await shop.admin("GET", f"/audit?object=session:{sid}")).json()["entries"]
    assert [(one["action"], one["reason"]) for one in entries] == [("review.rejected", "refund")]


async def test_of_two_decisions_at_once_one_stands(shop: Shop) -> None:
    sid, event_id = await _reviewed(shop)
    answers = await asyncio.gather(
        *(
            shop.admin("POST", f"/reviews/{event_id}/{decision}", json={"reason": "now"})
            for decision in ("accept", "reject") * 3
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    entries = (await shop.admin("GET", f"/audit?object=session:{sid}")).json()["entries"]
    assert len(entries) == 1


async def test_one_decision_is_enough_for_all_that_was_told_of_a_payment(shop: Shop) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    sid = session["sessionId"]
    for kind in ("payment.captured", "order.paid"):
        await shop.api.told(shop.razorpay(kind, session, amount=900))
    assert (await shop.admin("POST", f"/reviews/{sid}/accept", json={})).status_code == 200

    assert (await shop.session(sid))["review"] is None
    assert (await shop.admin("GET", "/reviews")).json()["reviews"] == []
    third = shop.razorpay("payment_link.paid", session, amount=900)
    assert (await shop.api.told(third))["outcome"] == "processed"


async def test_the_next_open_review_is_named_when_one_is_decided(shop: Shop) -> None:
    session = await shop.api.open()
    sid = session["sessionId"]
    for n in range(2):
        await shop.api.told(
            shop.stripe_paid(session, amount_total=900 + n, payment_intent=f"pi_{n}")
        )
    first, second = [row["_id"] for row in await shop.events()]
    assert (await shop.session(sid))["review"]["eventId"] == first
    await shop.admin("POST", f"/reviews/{sid}/reject", json={"reason": "refund"})
    assert (await shop.session(sid))["review"]["eventId"] == second
    await shop.admin("POST", f"/reviews/{sid}/accept")
    assert (await shop.session(sid))["status"] == "completed"


async def test_accepting_a_second_payment_leaves_the_session_as_it_is(shop: Shop) -> None:
    session = await shop.api.open()
    sid = session["sessionId"]
    await shop.api.told(shop.stripe_paid(session))
    await shop.api.told(shop.stripe_paid(session, payment_intent="pi_second"))
    assert (await shop.admin("POST", f"/reviews/{sid}/accept")).status_code == 200
    stored = await shop.session(sid)
    assert (completions(stored), stored["review"]) == (1, None)
    assert stored["providerPaymentId"] == f"pi_{sid}"


async def test_a_review_whose_session_is_gone_is_listed_and_says_so(shop: Shop) -> None:
    session = await shop.api.open()
    told = await shop.api.told(shop.stripe_paid(session, amount_total=1))
    assert told["outcome"] == "review"
    await shop.database["sessions"].delete_one({"sessionId": session["sessionId"]})
    [review] = (await shop.admin("GET", "/reviews")).json()["reviews"]
    assert review["decisions"] == []
    assert set(review["why"].values()) == {"Its session is not there any more."}


async def test_a_review_that_is_not_there_is_404(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.api.told(shop.stripe_paid(session))
    for name in ("nobody", session["sessionId"], (await shop.events())[0]["_id"]):
        answer = await shop.admin("POST", f"/reviews/{name}/accept")
        assert (answer.status_code, answer.json()["error"]) == (404, "review_not_found")


@pytest.mark.parametrize("kind", ["expired", "async_payment_failed"])
@pytest.mark.parametrize("envelope", [{"account": "acct_foreign"}, {"livemode": True}])
async def test_a_foreign_checkout_s_end_does_not_end_our_session(
    shop: Shop, kind: str, envelope: dict[str, Any]
) -> None:
    session = await shop.api.open()
    paid = shop.stripe_paid(session, payment_status="unpaid")
    found = json.loads(paid.body)["data"]["object"]
    await shop.api.told(shop.stripe(f"checkout.session.{kind}", found, **envelope))
    assert (await shop.session(session["sessionId"]))["status"] == "pending"


@pytest.mark.parametrize("turned", [False, True])
async def test_of_several_reviews_the_session_names_the_same_in_any_order(
    shop: Shop, turned: bool
) -> None:
    session = await shop.api.open(sessionId="s-1")
    wrong = [shop.stripe_paid(session, amount_total=n, payment_intent=f"pi_{n}") for n in (1, 2)]
    for delivery in sorted(wrong, key=lambda one: one.body, reverse=turned):
        assert (await shop.api.told(delivery))["outcome"] == "review"
    ids = [row["_id"] for row in await shop.events(status="review")]
    assert len(ids) == 2
    assert (await shop.session("s-1"))["review"]["eventId"] == min(ids)
