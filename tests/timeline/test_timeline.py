"""The timeline tells everything that touched a session, in order, and why it stands so."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from service.core.clock import ManualClock
from service.sessions import repository as sessions
from service.sessions.documents import Review
from service.timeline.operations.why import why
from tests.sessions.asking import change, key_of_another_merchant, problem, token_of
from tests.support.api import ADMIN, PUBLISHABLE, SECRET, Api
from tests.support.events import Delivery, stripe_checkout, stripe_event


async def _timeline(api: Api, session_id: str, key: str = SECRET) -> dict[str, Any]:
    answer = await api.call("GET", f"/api/payment-sessions/{session_id}/timeline", key)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def _paid(session: dict[str, Any], clock: ManualClock, **fields: Any) -> Delivery:
    at = int(clock.now().timestamp())
    found = stripe_checkout(session, **fields)
    return stripe_event("checkout.session.completed", found, created=at, signed_at=at)


async def test_a_paid_session_tells_what_led_to_what(api: Api, clock: ManualClock) -> None:
    session = await api.open(sessionId="s-1")
    clock.advance(timedelta(minutes=3))
    await api.told(_paid(session, clock))
    told = await _timeline(api, "s-1")
    assert told["session"] == await api.read("s-1")
    assert [(entry["at"][11:19], entry["what"]) for entry in told["entries"]] == [
        ("12:00:00", "move"),
        ("12:03:00", "event"),
        ("12:03:00", "payment"),
        ("12:03:00", "move"),
        ("12:03:00", "outbox"),
    ]
    summaries = [entry["summary"] for entry in told["entries"]]
    assert summaries[0] == "To pending by your server (server)"
    assert summaries[1] == "Stripe reported checkout.session.completed (webhook), processed"
    assert summaries[2] == "Payment pi_s-1: 10.00 INR, succeeded"
    assert summaries[3] == "From pending to completed by Stripe"
    assert summaries[4] == "session.completed, pending"
    assert told["why"] == "It was completed by Stripe with payment pi_s-1."
    assert await _timeline(api, "s-1", ADMIN) == told


async def test_each_line_carries_what_leads_on_from_it(api: Api, clock: ManualClock) -> None:
    session = await api.open(sessionId="s-1", providerSessionId="cs_test_1")
    await api.told(_paid(session, clock, id="cs_test_1", amount_total=999))
    [review] = (await api.call("GET", "/api/admin/reviews", ADMIN)).json()["reviews"]
    path = f"/api/admin/reviews/{review['id']}/accept"
    accepted = await api.call("POST", path, ADMIN, json={"reason": "seen at the bank"})
    assert accepted.status_code == 200, accepted.text
    lines = {one["what"]: one for one in (await _timeline(api, "s-1"))["entries"]}
    assert lines["checkout"]["summary"] == "Checkout 0 was opened at Stripe"
    assert lines["checkout"]["detail"] == {"ref": "cs_test_1"}
    event = {"id": review["id"], "attempts": 1, "error": None}
    assert lines["event"]["detail"] == event
    assert lines["event"]["summary"].endswith("(webhook), review: amount_mismatch")
    by = {"by": "admin:ops", "eventId": review["id"], "reason": "accepted: amount_mismatch"}
    assert lines["move"]["detail"] == by
    assert lines["audit"]["detail"]["eventId"] == review["id"]
    assert lines["outbox"]["detail"]["deliveries"] == []  # nothing was dispatched yet


async def test_a_payment_says_what_else_is_known_of_it(api: Api, clock: ManualClock) -> None:
    await api.told(_paid(await api.open(sessionId="s-1"), clock))
    [paid] = [one for one in (await _timeline(api, "s-1"))["entries"] if one["what"] == "payment"]
    assert paid["detail"].pop("eventId").startswith("stripe:default:test:evt_")
    assert paid["detail"] == {"method": "card", "country": "DE", "tax": 0}


async def test_a_settlement_by_hand_tells_who_and_why(api: Api) -> None:
    await api.open(sessionId="s-1")
    await change(api, sessionId="s-1", status="completed", reason="seen at the bank")
    told = await _timeline(api, "s-1")
    assert [entry["what"] for entry in told["entries"]] == [
        "audit",
        "payment",
        "move",
        "move",
        "outbox",
    ]
    assert told["entries"][0]["summary"] == (
        "session.settled_by_hand by your server (server): seen at the bank"
    )
    assert told["why"] == (
        "It was completed by your server (server) with payment hand:default:s-1. "
        "Reason: seen at the bank."
    )


async def test_a_payment_that_does_not_fit_is_told_of(api: Api, clock: ManualClock) -> None:
    session = await api.open(sessionId="s-1")
    await api.told(_paid(session, clock, amount_total=999))
    why = (await _timeline(api, "s-1"))["why"]
    assert why.startswith("It waits for a payment of 10.00 INR until 2026-11-21 12:30:00 UTC.")
    assert "A person must look: amount_mismatch, event stripe:default:test:evt_" in why
    assert "by tillgate reviews accept stripe:default:test:evt_" in why
    assert "POST /api/admin/reviews/stripe:default:test:evt_" in why
    assert "same-money" not in why  # only of what a person had completed: the next test


async def test_only_decisions_that_can_be_taken_are_named(api: Api, clock: ManualClock) -> None:
    by_hand, paid_twice = await api.open(), await api.open()
    await change(api, sessionId=by_hand["sessionId"], status="completed", reason="seen.")
    await api.told(_paid(by_hand, clock))
    await api.told(_paid(paid_twice, clock))
    await api.told(_paid(paid_twice, clock, id="cs_test_2", payment_intent="pi_2"))
    reviews = (await api.call("GET", "/api/admin/reviews", ADMIN)).json()["reviews"]
    possible = {one["sessionId"]: one["decisions"] for one in reviews}
    for session_id, same in ((by_hand["sessionId"], True), (paid_twice["sessionId"], False)):
        why = (await _timeline(api, session_id))["why"]
        assert "duplicate_payment" in why
        assert ("same-money" in why, "same-money" in possible[session_id]) == (same, same)
        assert all(f"/{one}" in why for one in possible[session_id])
        assert ".." not in why  # the reason brings a full stop of its own


async def test_an_early_end_is_said_to_be_early(api: Api, clock: ManualClock) -> None:
    session = await api.open(sessionId="s-1")
    clock.advance(timedelta(minutes=3))
    at = int(clock.now().timestamp())
    ended = stripe_checkout(session, status="expired", payment_status="unpaid")
    event = stripe_event("checkout.session.expired", ended, created=at, signed_at=at)
    await api.told(event)
    why = "Nobody paid 10.00 INR before 2026-11-21 12:03:00 UTC."
    assert (await _timeline(api, "s-1"))["why"] == why


async def test_an_event_stands_before_what_it_led_to_while_time_goes_by(
    api: Api, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a clock that goes on at each look, as a real one does."""
    now = clock.now

    def goes_on() -> datetime:
        clock.advance(timedelta(milliseconds=1))
        return now()

    session, wrong = await api.open(sessionId="s-1"), await api.open(sessionId="s-2")
    monkeypatch.setattr(clock, "now", goes_on)
    await api.told(_paid(session, clock))
    await api.told(_paid(wrong, clock, amount_total=999))
    told = [(await _timeline(api, one))["entries"] for one in ("s-1", "s-2")]
    assert [[entry["what"] for entry in one] for one in told] == [
        ["move", "event", "payment", "move", "outbox"],
        ["move", "event", "payment", "outbox"],
    ]


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (None, "Nobody paid 10.00 INR before 2026-11-21 12:30:00 UTC."),
        ("failed", "Its checkout ended without a payment, reported by your server (server)."),
        ("canceled", "It was canceled by your server (server)."),
        ("processing", "A payment of 10.00 INR is under way; the money has not come yet."),
    ],
)
async def test_every_state_is_told_in_a_sentence(
    api: Api, clock: ManualClock, status: str | None, why: str
) -> None:
    await api.open(sessionId="s-1")
    if status:
        await change(api, sessionId="s-1", status=status)
    clock.advance(timedelta(hours=1))
    assert (await _timeline(api, "s-1"))["why"] == why


async def test_a_late_payment_is_told_to_be_late(api: Api, clock: ManualClock) -> None:
    session = await api.open(sessionId="s-1")
    clock.advance(timedelta(hours=1))
    await api.told(_paid(session, clock))
    told = await _timeline(api, "s-1")
    assert told["why"].endswith("The payment came after the session's end.")


async def test_only_servers_and_operators_of_the_merchant_see_it(
    api: Api, clock: ManualClock
) -> None:
    await api.open(sessionId="s-1")
    path = "/api/payment-sessions/s-1/timeline"
    problem(await api.call("GET", path, PUBLISHABLE), 403, "forbidden")
    problem(await api.call("GET", path, token_of("user_123", clock)), 403, "forbidden")
    other = await key_of_another_merchant(clock)
    problem(await api.call("GET", path, other), 404, "session_not_found")
    missing = await api.call("GET", "/api/payment-sessions/none/timeline")
    problem(missing, 404, "session_not_found")


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("amount_mismatch", "by tillgate reviews accept stripe:default:test:evt_1 or reject, or"),
        ("paid_after_rejection", "by tillgate reviews reject stripe:default:test:evt_1, or"),
        ("payment_of_another_session", "by tillgate reviews reject stripe:default:test:evt_1, or"),
        ("payment_unresolved", "by tillgate reviews reject stripe:default:test:evt_1, or"),
        ("awaiting_capture", "completed once it is captured, event stripe:default:test:evt_1."),
    ],
)
async def test_each_kind_of_review_names_what_can_be_done_about_it(
    api: Api, reason: str, says: str
) -> None:
    await api.open(sessionId="s-1")
    session = await sessions.find("default", "s-1")
    assert session is not None
    review = Review(reason=reason, event_id="stripe:default:test:evt_1", at=session.created_at)
    told = why(session.model_copy(update={"review": review}), session.created_at)
    assert says in told
    assert ("A person must look" in told) is (reason != "awaiting_capture")
    assert ("/accept" in told) is (reason == "amount_mismatch")


async def test_a_strange_event_id_can_be_pasted_as_it_is_told(api: Api) -> None:
    """A provider chooses them: a blank would end a word of a shell, and an address."""
    await api.open(sessionId="s-1")
    session = await sessions.find("default", "s-1")
    assert session is not None
    review = Review(reason="amount_mismatch", event_id="stripe:a b", at=session.created_at)
    told = why(session.model_copy(update={"review": review}), session.created_at)
    assert "tillgate reviews accept 'stripe:a b' or reject" in told
    assert "/api/admin/reviews/stripe:a%20b/accept" in told
