"""A line of the ledger tells what changed at its moment, and `why` what became of the money."""

from datetime import timedelta
from typing import Any

import pytest

from service.core.clock import ManualClock
from service.timeline.operations import paid
from tests.effects.returned import booked, stripe_dispute, stripe_refund
from tests.support.events import stripe_intent
from tests.support.shop import Shop

Session = dict[str, Any]


async def _told(shop: Shop, session: Session) -> tuple[dict[str, list[tuple[str, str]]], str]:
    """Return (time, summary) of the lines by their kinds, and why."""
    path = f"/api/payment-sessions/{session['sessionId']}/timeline"
    told = (await shop.api.call("GET", path)).json()
    lines: dict[str, list[tuple[str, str]]] = {}
    for one in told["entries"]:
        lines.setdefault(one["what"], []).append((one["at"][11:16], one["summary"]))
    return lines, told["why"]


async def _intent(shop: Shop, session: Session, kind: str, after: int = 0, **fields: Any) -> None:
    intent = stripe_intent(session, **fields)
    await shop.api.told(shop.stripe(f"payment_intent.{kind}", intent, after))


async def _pending_then_paid(shop: Shop) -> Session:
    session = await shop.api.open(sessionId="s-1")
    shop.pass_time(minutes=1)
    await _intent(shop, session, "processing")
    shop.pass_time(minutes=2)
    await _intent(shop, session, "succeeded")
    return session


_WENT_ON = [
    ("12:01", "Payment pi_s-1: 10.00 INR, pending"),
    ("12:03", "Payment pi_s-1: 10.00 INR, from pending to succeeded"),
]


async def test_a_payment_that_was_pending_at_the_time_is_pending_on_its_line(shop: Shop) -> None:
    session = await _pending_then_paid(shop)
    assert (await _told(shop, session))[0]["payment"] == _WENT_ON


async def test_control_told_from_the_row_as_it_stands_it_would_have_succeeded_at_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await _pending_then_paid(shop)
    monkeypatch.setattr(paid, "_said_by", lambda events: {})
    assert (await _told(shop, session))[0]["payment"] != _WENT_ON


async def test_old_news_that_comes_late_changes_nothing_and_has_no_line(shop: Shop) -> None:
    session = await _pending_then_paid(shop)
    shop.pass_time(minutes=1)
    await _intent(shop, session, "processing", after=-100)
    lines, _ = await _told(shop, session)
    assert lines["payment"] == _WENT_ON
    assert len(lines["event"]) == 3


async def test_once_its_events_are_deleted_a_payment_is_told_of_as_its_row_stands(
    shop: Shop,
) -> None:
    session = await _pending_then_paid(shop)
    await shop.database["webhook_events"].delete_many({})
    told = (await _told(shop, session))[0]["payment"]
    assert told == [("12:03", "Payment pi_s-1: 10.00 INR, succeeded")]


async def test_each_try_that_failed_has_a_line_and_the_last_one_is_the_reason(shop: Shop) -> None:
    session = await shop.api.open(sessionId="s-1")
    for minute, declined in enumerate(("expired_card", "insufficient_funds"), 1):
        shop.pass_time(minutes=1)
        error = {"code": "card_declined", "decline_code": declined, "message": "No."}
        charge: dict[str, Any] = {"latest_charge": f"ch_{minute}", "last_payment_error": error}
        await _intent(shop, session, "payment_failed", **charge)
    lines, why = await _told(shop, session)
    tries = [
        "Try 1 at paying 10.00 INR failed: the bank declined the card: it has expired "
        "(expired_card, card_declined)",
        "Try 2 at paying 10.00 INR failed: the bank declined the card: insufficient funds "
        "(insufficient_funds, card_declined)",
    ]
    assert lines["try"] == [("12:01", tries[0]), ("12:02", tries[1])]
    assert lines["payment"] == [("12:01", "Payment pi_s-1: 10.00 INR, failed")]
    last = "The last try at paying failed: the bank declined the card: insufficient funds"
    assert f"{last} (insufficient_funds, card_declined)." in why
    await _intent(shop, session, "succeeded", after=1)
    assert "failed" not in (await _told(shop, session))[1]


async def test_a_refund_is_told_move_by_move_and_the_money_in_why(shop: Shop) -> None:
    session = await shop.api.open(sessionId="s-1")
    await shop.api.told(shop.stripe_paid(session))
    shop.pass_time(minutes=5)
    await shop.api.told(stripe_refund(shop, session, "created", status="pending"))
    assert "A refund of 4.00 INR is under way." in (await _told(shop, session))[1]
    shop.pass_time(minutes=5)
    await shop.api.told(stripe_refund(shop, session, "updated", status="succeeded"))
    assert "4.00 INR of 10.00 INR was refunded." in (await _told(shop, session))[1]
    shop.pass_time(minutes=5)
    failed: dict[str, Any] = {"status": "failed", "failure_reason": "expired_or_canceled_card"}
    await shop.api.told(stripe_refund(shop, session, "failed", **failed))
    lines, why = await _told(shop, session)
    came_back = "the customer's card has expired or was canceled (expired_or_canceled_card)"
    assert lines["refund"] == [
        ("12:05", "Refund of 4.00 INR: to processing by Stripe"),
        ("12:10", "Refund of 4.00 INR: from processing to succeeded by Stripe"),
        ("12:15", f"Refund of 4.00 INR: from succeeded to failed by Stripe: {came_back}"),
    ]
    assert why.endswith(f"A refund of 4.00 INR failed: {came_back}.")


async def test_a_whole_refund_and_one_that_was_only_requested_are_told(shop: Shop) -> None:
    session = await shop.api.open(sessionId="s-1")
    await shop.api.told(shop.stripe_paid(session))
    body = {"sessionId": "s-1", "amount": 300, "reason": "I can't come"}
    asked = await shop.api.call("POST", "/api/payment/request-refund", json=body)
    assert asked.status_code == 201, asked.text
    lines, why = await _told(shop, session)
    [(_, line)] = lines["refund"]
    assert line == "Refund of 3.00 INR: to requested by your server (server): I can't come"
    assert "A refund of 3.00 INR was requested, and waits for a decision." in why
    await shop.api.told(stripe_refund(shop, session, status="succeeded", amount=1000))
    assert "All of 10.00 INR was refunded." in (await _told(shop, session))[1]


async def test_a_dispute_has_its_deadline_and_its_end(shop: Shop, clock: ManualClock) -> None:
    session = await shop.api.open(sessionId="s-1")
    await shop.api.told(shop.stripe_paid(session))
    by = int((clock.now() + timedelta(days=7)).timestamp())
    asked: dict[str, Any] = {"status": "needs_response", "evidence_details": {"due_by": by}}
    gone = [booked(session, 1, -1000)]
    await shop.api.told(
        stripe_dispute(shop, session, "created", **asked, balance_transactions=gone)
    )
    lines, why = await _told(shop, session)
    until = "it needs an answer; answer by 2026-11-28 12:00:00 UTC"
    assert lines["dispute"] == [("12:00", f"Dispute of 10.00 INR: {until}")]
    assert f"The customer disputes 10.00 INR: {until}. Nothing can be refunded meanwhile." in why
    shop.pass_time(minutes=5)
    lost: dict[str, Any] = {"status": "lost", "balance_transactions": gone}
    await shop.api.told(stripe_dispute(shop, session, "closed", after=1, **lost))
    lines, why = await _told(shop, session)
    assert [line for _, line in lines["dispute"]] == [
        "Dispute of 10.00 INR: it needs an answer",
        "Dispute of 10.00 INR: lost, the money is gone",
    ]
    assert why.endswith("The customer disputes 10.00 INR: lost, the money is gone.")
