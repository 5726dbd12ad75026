"""A decision is final for its payment: what its later events do, and what capturing comes to."""

import json
from typing import Any

import pytest

from service.effects import payments as effects
from service.effects import reviewing
from service.inbox.operations.inbox import Arrival
from service.inbox.operations.receive import take_in
from service.payments.payments.documents import Payment
from service.providers.base import VerifiedEvent
from service.reviews.operations import choices
from service.sessions.checkouts.unresolved.reviews import open_review
from service.sessions.documents import Session
from service.sessions.operations.changing import change_session
from tests.sessions.asking import problem
from tests.support.events import razorpay_payment
from tests.support.reviews import disagreements
from tests.support.shop import Shop, completions


async def _held(shop: Shop) -> str:
    session = await shop.api.open(paymentMethod="razorpay")
    await _pay(shop, session["sessionId"], "payment.authorized", outcome="review")
    return str(session["sessionId"])


async def _pay(
    shop: Shop, sid: str, kind: str, *, after: int = 0, outcome: str = "processed", **fields: Any
) -> None:
    session = {"sessionId": sid, "amount": 900, "currency": "INR"}
    answer = await shop.api.told(shop.razorpay(kind, session, after, **fields))
    assert answer["outcome"] == outcome, (kind, answer)


async def _decide(shop: Shop, name: str, choice: str, **body: Any) -> tuple[int, Any]:
    body = {"reason": "seen"} | body
    answer = await shop.admin("POST", f"/reviews/{name}/{choice}", json=body)
    found = answer.json()
    return answer.status_code, found.get("error") or found["session"]["status"]


async def _queue(shop: Shop) -> list[tuple[str, list[str]]]:
    assert await disagreements(shop.database) == []
    listed = (await shop.admin("GET", "/reviews")).json()["reviews"]
    return [(one["payments"][0]["reason"], one["decisions"]) for one in listed]


async def test_held_money_that_is_accepted_completes_once_it_is_captured(shop: Shop) -> None:
    sid = await _held(shop)
    assert await _queue(shop) == [("amount_mismatch", ["accept", "reject"])]
    assert await _decide(shop, sid, "accept") == (200, "processing")

    waiting = await shop.session(sid)
    assert waiting["review"]["reason"] == "awaiting_capture"
    assert waiting["capturing"]["paymentId"] == f"pay_{sid}"
    [message] = await shop.messages("provider.capture")
    assert message["payload"]["amount"] == 900
    assert await _queue(shop) == [("awaiting_capture", [])]
    why = (await shop.api.call("GET", f"/api/payment-sessions/{sid}/timeline")).json()["why"]
    assert "was accepted" in why
    for choice in ("accept", "reject"):
        assert await _decide(shop, sid, choice) == (409, "already_decided")
    # It would be paid twice, or its review never closed.
    for status in ("canceled", "completed", "failed", "expired", "pending"):
        body = {"sessionId": sid, "status": status}
        by_hand = await shop.api.call("PUT", "/api/payment-sessions", json=body)
        assert by_hand.status_code == 409, by_hand.text

    await _pay(shop, sid, "payment.captured", after=9)
    done = await shop.session(sid)
    assert (done["status"], done["review"], completions(done)) == ("completed", None, 1)
    assert done["providerPaymentId"] == f"pay_{sid}"
    assert await _queue(shop) == []
    [row] = await shop.events(status="review")
    assert (row["decision"]["verdict"], row["decision"]["awaiting"]) == ("accepted", False)
    assert row["purgeAt"] is not None
    await _pay(shop, sid, "order.paid", after=9)
    assert await _queue(shop) == []


async def test_control_without_the_look_an_ended_session_awaits_a_capture_that_never_comes(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_session, "check_change", lambda *_: None)
    sid = await _held(shop)
    await _decide(shop, sid, "accept")
    body = {"sessionId": sid, "status": "failed"}
    by_hand = await shop.api.call("PUT", "/api/payment-sessions", json=body)
    assert by_hand.status_code == 200
    assert await _decide(shop, sid, "reject") == (409, "already_decided")
    assert await disagreements(shop.database) == [f"{sid}: awaits pay_{sid}, and captures None"]


async def test_a_capture_that_fails_takes_the_decision_back_and_opens_the_review(
    shop: Shop,
) -> None:
    sid = await _held(shop)
    assert await _decide(shop, sid, "accept") == (200, "processing")
    await _pay(shop, sid, "payment.failed", after=60, status="failed")

    stored = await shop.session(sid)
    assert (stored["status"], stored["decisions"], stored["capturing"]) == ("pending", [], None)
    assert stored["review"]["reason"] == "amount_mismatch"
    assert await _queue(shop) == [("amount_mismatch", ["reject"])]
    assert await _decide(shop, sid, "accept") == (409, "payment_not_succeeded")
    assert await _decide(shop, sid, "reject") == (200, "pending")
    assert await _queue(shop) == []


async def test_control_without_the_look_at_the_capture_both_are_asked_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choices, "_accept_held", lambda _: choices.Outlook("Captures it."))
    sid = await _held(shop)
    await _decide(shop, sid, "accept")
    await _pay(shop, sid, "payment.authorized", after=1, outcome="review", id="pay_second")
    assert await _decide(shop, sid, "accept") == (200, "processing")
    assert (await shop.session(sid))["capturing"]["paymentId"] == "pay_second"
    assert len(await shop.messages("provider.capture")) == 2


async def test_of_two_held_payments_one_is_captured_and_the_other_waits(shop: Shop) -> None:
    sid = await _held(shop)
    [first] = await shop.events(sessionId=sid)
    assert await _decide(shop, first["_id"], "accept") == (200, "processing")
    await _pay(shop, sid, "payment.authorized", after=1, outcome="review", id="pay_second")

    stored = await shop.session(sid)  # it names the undecided one, whichever id is smaller
    assert stored["review"]["reason"] == "amount_mismatch"
    assert stored["review"]["eventId"] != first["_id"]
    assert await _decide(shop, sid, "accept") == (409, "capture_under_way")
    assert len(await shop.messages("provider.capture")) == 1
    assert await _decide(shop, sid, "reject") == (200, "processing")
    assert (await shop.session(sid))["review"]["reason"] == "awaiting_capture"
    await _pay(shop, sid, "payment.captured", after=9)
    stored = await shop.session(sid)
    assert (stored["status"], stored["providerPaymentId"]) == ("completed", f"pay_{sid}")
    assert await _queue(shop) == []


async def test_another_payment_that_completes_takes_an_awaited_decision_back(shop: Shop) -> None:
    sid = await _held(shop)
    assert await _decide(shop, sid, "accept") == (200, "processing")
    await _pay(shop, sid, "payment.captured", id="pay_other", amount=1000)

    stored = await shop.session(sid)
    assert (stored["status"], stored["providerPaymentId"]) == ("completed", "pay_other")
    assert await _queue(shop) == [("amount_mismatch", ["reject"])]
    # The provider took it all the same: there is a second payment to decide about now.
    await _pay(shop, sid, "payment.captured", after=9, outcome="review")
    assert await _decide(shop, sid, "accept") == (200, "completed")
    assert await _queue(shop) == []
    assert (await shop.session(sid))["providerPaymentId"] == "pay_other"


async def test_what_is_rejected_stays_rejected_and_nothing_waits_for_it(shop: Shop) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    sid = session["sessionId"]
    await _pay(shop, sid, "payment.authorized", amount=1000)
    await _pay(shop, sid, "payment.captured", after=5, outcome="review")
    assert await _decide(shop, sid, "reject") == (200, "pending")

    stored = await shop.session(sid)
    assert (stored["liveAttempts"], stored["review"]) == ([], None)
    for kind in ("order.paid", "payment_link.paid", "payment.authorized"):
        await _pay(shop, sid, kind, after=6)
    await _pay(shop, sid, "payment.captured", after=7, amount=1000)
    assert await _queue(shop) == []
    [row] = await shop.events(status="review")
    replayed = await shop.admin("POST", f"/webhook-events/{row['_id']}/replay")
    assert (replayed.status_code, replayed.json()["error"]) == (409, "already_decided")
    assert (await shop.session(sid))["status"] == "pending"


async def test_control_without_the_decisions_a_rejected_payment_comes_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviewing, "decision_on", lambda *_: None)
    monkeypatch.setattr(effects, "decision_on", lambda *_: None)
    session = await shop.api.open(paymentMethod="razorpay")
    sid = session["sessionId"]
    await _pay(shop, sid, "payment.captured", outcome="review")
    assert await _decide(shop, sid, "reject") == (200, "pending")
    await _pay(shop, sid, "order.paid", outcome="review")
    assert (await shop.session(sid))["review"] is not None


async def test_a_rejected_payment_that_is_under_way_again_is_not_waited_for(shop: Shop) -> None:
    sid = await _held(shop)
    assert await _decide(shop, sid, "reject") == (200, "pending")
    await _pay(shop, sid, "payment.failed", after=5, status="failed")
    await _pay(shop, sid, "payment.authorized", after=9)
    [payment] = await shop.payments()
    stored = await shop.session(sid)
    assert payment["status"] == "authorized"
    assert (stored["status"], stored["liveAttempts"], stored["review"]) == ("pending", [], None)


async def test_money_that_comes_after_its_rejection_can_only_be_rejected(shop: Shop) -> None:
    sid = await _held(shop)
    assert await _decide(shop, sid, "reject") == (200, "pending")
    await _pay(shop, sid, "payment.captured", after=5, outcome="review")
    await _pay(shop, sid, "order.paid", after=5, outcome="review")
    assert await _queue(shop) == [("paid_after_rejection", ["reject", "reject-and-refund"])] * 2
    assert await _decide(shop, sid, "accept") == (409, "only_rejectable")
    assert await _decide(shop, sid, "reject") == (200, "pending")

    assert await _queue(shop) == []
    await _pay(shop, sid, "payment_link.paid", after=5)
    assert await _queue(shop) == []
    stored = await shop.session(sid)
    assert [one["paymentId"] for one in stored["decisions"]] == [f"pay_{sid}"]
    assert stored["status"] == "pending"


@pytest.mark.parametrize("accepted", [False, True], ids=["under way", "accepted before"])
async def test_what_nobody_could_tell_about_is_given_up_by_rejecting_it(
    shop: Shop, *, accepted: bool
) -> None:
    sid = await _unresolved(shop, accepted=accepted)
    assert await _decide(shop, sid, "accept") == (409, "payment_not_succeeded")
    assert (await _decide(shop, sid, "reject"))[0] == 200

    stored = await shop.session(sid)
    assert (stored["liveAttempts"], stored["capturing"], stored["review"]) == ([], None, None)
    assert (await shop.api.read(sid))["status"] == "expired"
    assert [one["status"] for one in await shop.payments(sessionId=sid)] == ["abandoned"]
    assert await _queue(shop) == []
    await _pay(shop, sid, "payment.authorized", after=200_000)
    assert [one["status"] for one in await shop.payments(sessionId=sid)] == ["abandoned"]
    assert (await shop.session(sid))["liveAttempts"] == []
    await _pay(shop, sid, "payment.captured", after=200_000, outcome="review")
    assert await _queue(shop) == [("paid_after_rejection", ["reject", "reject-and-refund"])]


@pytest.mark.parametrize("outcome", ["captured", "failed"])
async def test_what_nobody_could_tell_about_is_closed_by_who_tells(
    shop: Shop, outcome: str
) -> None:
    sid = await _unresolved(shop, accepted=True)
    await _pay(shop, sid, f"payment.{outcome}", after=200_000, status=outcome)
    stored = await shop.session(sid)
    if outcome == "captured":
        assert (stored["status"], stored["review"]) == ("completed", None)
        assert await _queue(shop) == []
    else:
        assert stored["decisions"] == []
        assert await _queue(shop) == [("amount_mismatch", ["reject"])]
    rows = await shop.events(source="clock")
    assert [(row["status"], row["reason"]) for row in rows] == [("processed", "it was told since")]


async def _unresolved(shop: Shop, *, accepted: bool) -> str:
    """Let a payment stay under way until its review is opened by the clock."""
    if accepted:
        sid = await _held(shop)
        assert await _decide(shop, sid, "accept") == (200, "processing")
    else:
        sid = (await shop.api.open(paymentMethod="razorpay"))["sessionId"]
        await _pay(shop, sid, "payment.authorized", amount=1000)
    shop.pass_time(days=2)
    session = Session.model_validate(await shop.session(sid))
    [payment] = await shop.payments(sessionId=sid)
    services = shop.api.container.services
    assert await open_review(session, Payment.model_validate(payment), services)
    assert (await shop.session(sid))["review"]["reason"] == "payment_unresolved"
    return str(sid)


async def test_a_review_that_fits_when_it_is_replayed_is_named_no_longer(shop: Shop) -> None:
    session = await shop.api.open()
    sid = session["sessionId"]
    await shop.api.told(shop.stripe_paid(session, amount_total=900))
    await shop.database["sessions"].update_one({"sessionId": sid}, {"$set": {"amount": 900}})
    [row] = await shop.events()
    replayed = await shop.admin("POST", f"/webhook-events/{row['_id']}/replay")
    assert replayed.json()["outcome"] == "processed"
    stored = await shop.session(sid)
    assert (stored["status"], stored["review"]) == ("completed", None)
    assert await _queue(shop) == []


@pytest.mark.parametrize("amount", [900, 1000], ids=["review", "processed"])
async def test_what_is_done_stays_done_whose_replay_fails(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, amount: int
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a fault in the new version")

    session = await shop.api.open()
    await shop.api.told(shop.stripe_paid(session, amount_total=amount))
    before, queue = await shop.events(), await _queue(shop)
    replay = f"/webhook-events/{before[0]['_id']}/replay"
    with monkeypatch.context() as patched:
        patched.setattr(effects, "record_fact", broken)
        refused = problem(await shop.admin("POST", replay), 409, "replay_failed")
    assert "RuntimeError: the log of the service says more" in refused["detail"]
    assert (await shop.events(), await _queue(shop)) == (before, queue)
    possible = ["accept", "reject", "reject-and-refund"]
    assert queue == ([("amount_mismatch", possible)] if amount == 900 else [])
    if amount == 1000:  # nor does one whose session was purged meanwhile wait for it
        await shop.database["sessions"].delete_many({})
        refused = problem(await shop.admin("POST", replay), 409, "replay_failed")
        assert "no session matches" in refused["detail"]
        assert await shop.events() == before


async def test_of_several_payments_in_one_event_each_is_decided(shop: Shop) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    sid = session["sessionId"]
    receipt = await take_in(Arrival(_reread(shop, session), "fetch"), shop.api.container.inbox)
    assert receipt.outcome == "review"
    [row] = await shop.events(sessionId=sid)
    assert [one["about"] for one in row["doubts"]] == ["pay_one", "pay_two"]

    assert await _decide(shop, sid, "accept") == (409, "several_payments")
    assert await _decide(shop, sid, "reject", paymentId="pay_one") == (200, "pending")
    assert await _decide(shop, sid, "reject", paymentId="pay_one") == (409, "already_decided")
    [(_, left)] = await _queue(shop)
    assert left == []
    replayed = await shop.admin("POST", f"/webhook-events/{row['_id']}/replay")
    assert replayed.status_code == 409
    assert await _decide(shop, sid, "accept", paymentId="pay_two") == (200, "completed")
    assert await _queue(shop) == []
    assert (await shop.session(sid))["providerPaymentId"] == "pay_two"
    # Their own events ask nobody again, and neither does the same answer to a later question.
    await _pay(shop, sid, "payment.captured", id="pay_one", amount=400)
    await _pay(shop, sid, "payment.captured", id="pay_two", amount=600)
    again = await take_in(Arrival(_reread(shop, session, 60), "fetch"), shop.api.container.inbox)
    assert again.duplicate
    assert await _queue(shop) == []


def _reread(shop: Shop, session: dict[str, Any], after: int = 0) -> VerifiedEvent:
    """Make what a re-read of the order tells: two payments of other amounts."""
    order = f"order_{session['sessionId']}"
    body = {
        "fetched": order,
        "fetchedAt": shop.unix(after),
        "order": {"id": order, "notes": {"sessionId": session["sessionId"]}, "amount": 1000},
        "payments": [
            razorpay_payment(session, id="pay_one", amount=400),
            razorpay_payment(session, id="pay_two", amount=600),
        ],
    }
    provider = shop.api.container.inbox.providers["razorpay"]
    return provider.translate_stored(f"fetch:{order}", json.dumps(body).encode())
