"""A failure, or a part, is its own session's, and news: else it moves and teaches nothing."""

from typing import Any

import pytest

from service.effects import payments as effects
from service.effects.applying import Applied
from tests.sessions.asking import change
from tests.support.events import (
    Delivery,
    razorpay_event,
    razorpay_payment,
    stripe_checkout,
    stripe_intent,
)
from tests.support.shop import Shop


async def _customer_after_a_failure(shop: Shop, checkout: str) -> str | None:
    """Let a payment fail in a checkout that names a session; return its customer as it is known."""
    session = await shop.api.open(providerSessionId="cs_test_1")
    failed = stripe_checkout(session, id=checkout, payment_status="unpaid", customer="cus_1")
    told = shop.stripe("checkout.session.async_payment_failed", failed)
    assert (await shop.api.told(told))["outcome"] == "processed"
    stored = await shop.session(session["sessionId"])
    assert (stored["review"], stored["liveAttempts"]) == (None, [])
    customer: str | None = stored["providerCustomerId"]
    return customer


async def test_a_failure_in_a_foreign_checkout_teaches_no_session_its_customer(shop: Shop) -> None:
    assert await _customer_after_a_failure(shop, "cs_other") is None


async def test_control_one_in_its_own_checkout_does(shop: Shop) -> None:
    assert await _customer_after_a_failure(shop, "cs_test_1") == "cus_1"


async def test_control_without_the_look_at_its_checkout_it_would(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effects, "check_ownership", lambda doing, *_, **__: doing)
    assert await _customer_after_a_failure(shop, "cs_other") == "cus_1"


OTHERS: dict[str, dict[str, Any]] = {
    "account": {"account": "acct_other"},
    "mode": {"livemode": True},
}


async def _waiting_after(shop: Shop, envelope: dict[str, Any]) -> tuple[str, list[str]]:
    """Let an attempt be under way, and one of its id fail elsewhere; return what is waited for."""
    session = await shop.api.open(providerSessionId="cs_test_1")
    later = stripe_checkout(
        session, id="cs_test_1", payment_status="unpaid", payment_intent="pi_1", customer=None
    )
    await shop.api.told(shop.stripe("checkout.session.completed", later))
    stored = await shop.session(session["sessionId"])
    assert stored["status"] == "processing"
    declined = stripe_intent(session, id="pi_1", amount_received=0)
    kind = "payment_intent.payment_failed"
    assert (await shop.api.told(shop.stripe(kind, declined, 5, **envelope)))["received"]
    stored = await shop.session(session["sessionId"])
    return stored["status"], stored["liveAttempts"]


@pytest.mark.parametrize("other", OTHERS)
async def test_a_failure_in_another_account_or_mode_ends_no_attempt(shop: Shop, other: str) -> None:
    assert await _waiting_after(shop, OTHERS[other]) == ("processing", ["pi_1"])


async def test_control_a_failure_of_its_own_ends_the_attempt(shop: Shop) -> None:
    assert await _waiting_after(shop, {}) == ("pending", [])


@pytest.mark.parametrize("other", OTHERS)
async def test_control_without_the_look_at_account_and_mode_it_would(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    monkeypatch.setattr(effects, "foreign", lambda *_: None)
    assert await _waiting_after(shop, OTHERS[other]) == ("pending", [])


async def _failed_by_hand_and_by_old_news(shop: Shop) -> tuple[str, list[str]]:
    """Fail a session by hand while money is under way; then hear of an earlier try that failed."""
    session = await shop.api.open()
    under_way = stripe_intent(session, status="processing", amount_received=0)
    await shop.api.told(shop.stripe("payment_intent.processing", under_way, 5))
    by_hand = {"sessionId": session["sessionId"], "status": "failed", "reason": "gave up"}
    assert (await change(shop.api, **by_hand)).status_code == 200
    declined = stripe_intent(session, amount_received=0)
    told = shop.stripe("payment_intent.payment_failed", declined, 1)
    assert (await shop.api.told(told))["outcome"] == "processed"
    stored = await shop.session(session["sessionId"])
    return stored["status"], stored["liveAttempts"]


async def test_the_failure_of_an_earlier_try_revives_nothing_that_a_person_has_ended(
    shop: Shop,
) -> None:
    assert await _failed_by_hand_and_by_old_news(shop) == ("failed", [])


async def test_control_taken_as_news_it_would(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def as_news(doing: Any, session: Any, payment: Any, recorded: Any) -> Applied:
        return Applied(await effects.count_under_way(doing, session, payment, recorded, {}))

    monkeypatch.setattr(effects, "payment_failed", as_news)
    status, live = await _failed_by_hand_and_by_old_news(shop)
    assert (status, len(live)) == ("processing", 1)


def _partly_paid(session: dict[str, Any], link: str, amount: int = 400) -> Delivery:
    payment = razorpay_payment(
        session, id="pay_1", order_id=f"order_of_{link}", amount=amount, notes=[]
    )
    notes = {"sessionId": session["sessionId"]}
    found = {"id": link, "reference_id": "", "amount": 2000, "amount_paid": amount, "notes": notes}
    found |= {"currency": "INR", "status": "partially_paid", "order_id": f"order_of_{link}"}
    return razorpay_event(
        "payment_link.partially_paid", {"payment_link": found, "payment": payment}
    )


async def _reviewed_for(shop: Shop, link: str) -> str:
    session = await shop.api.open(paymentMethod="razorpay", providerSessionId="plink_1")
    assert (await shop.api.told(_partly_paid(session, link)))["outcome"] == "review"
    stored = await shop.session(session["sessionId"])
    assert stored["status"] == "pending"
    reason: str = stored["review"]["reason"]
    return reason


async def test_a_part_that_came_in_a_foreign_link_is_reviewed_as_foreign(shop: Shop) -> None:
    assert await _reviewed_for(shop, "plink_other") == "foreign_checkout"


async def test_a_part_that_came_in_the_sessions_own_link_is_reviewed_as_a_part(shop: Shop) -> None:
    assert await _reviewed_for(shop, "plink_1") == "partial_payment"


async def test_control_without_the_look_at_its_link_it_seems_the_sessions_own(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effects, "check_ownership", lambda doing, *_, **__: doing)
    assert await _reviewed_for(shop, "plink_other") == "partial_payment"


async def _after_a_part_that_was_held(shop: Shop) -> tuple[str, list[str]]:
    """Have money held, which turns out to be a part of what its link asks for."""
    session = await shop.api.open(paymentMethod="razorpay")
    sid = session["sessionId"]
    held = shop.razorpay("payment.authorized", session, id="pay_1", status="authorized")
    await shop.api.told(held)
    assert (await shop.session(sid))["liveAttempts"] == ["pay_1"]
    assert (await shop.api.told(_partly_paid(session, f"plink_{sid}", 1000)))["outcome"] == "review"
    stored = await shop.session(sid)
    return stored["status"], stored["liveAttempts"]


async def test_a_part_that_came_is_waited_for_no_longer(shop: Shop) -> None:
    assert await _after_a_part_that_was_held(shop) == ("pending", [])


async def test_control_if_it_is_not_counted_out_it_is(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def as_before(_: Any, session: Any, *__: Any) -> Any:
        return session

    whole = effects.paid_partially

    async def not_counted(*given: Any) -> Applied:
        with monkeypatch.context() as patched:
            patched.setattr(effects, "count_under_way", as_before)
            return await whole(*given)

    monkeypatch.setattr(effects, "paid_partially", not_counted)
    assert await _after_a_part_that_was_held(shop) == ("processing", ["pay_1"])
