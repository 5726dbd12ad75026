"""Decisions and events at once: no review is lost, and one decision stands."""

import asyncio
from typing import Any

import pytest

from service.effects import payments as effects
from service.effects import reviewing
from service.effects.applying import Applied, Applying
from service.sessions.documents import Session
from service.sessions.states import Mismatch
from tests.support.events import Delivery, stripe_checkout
from tests.support.reviews import disagreements
from tests.support.shop import Shop, a_few_at_once

ROUNDS = 24


async def _round(shop: Shop, number: int) -> None:
    """Decide about one review while another event opens a second."""
    session = await shop.api.open()
    sid = session["sessionId"]

    def wrong(name: str) -> Any:
        paid = {"amount_total": 900, "payment_intent": f"pi_{name}_{sid}"}
        return shop.api.told(_named(shop, session, f"evt_{name}_{sid}", **paid))

    await wrong("b")
    choice = ("accept", "reject")[number % 2]
    answer, told = await asyncio.gather(
        shop.admin("POST", f"/reviews/{sid}/{choice}", json={"reason": "now"}),
        wrong(("a", "c")[number // 2 % 2]),
    )
    assert (answer.status_code, told["outcome"]) == (200, "review"), answer.text


def _named(shop: Shop, session: dict[str, Any], event_id: str, **fields: Any) -> Delivery:
    found = stripe_checkout(session, **fields)
    return shop.stripe("checkout.session.completed", found, event_id=event_id)


async def test_no_review_is_lost_that_opens_while_another_is_decided(shop: Shop) -> None:
    await a_few_at_once(_round(shop, number) for number in range(ROUNDS))

    assert await disagreements(shop.database) == []
    left = (await shop.admin("GET", "/reviews?limit=100")).json()["reviews"]
    assert len(left) == ROUNDS
    assert await shop.database["sessions"].count_documents({"review": None}) == 0


async def test_control_where_only_the_first_review_writes_the_session_some_are_lost(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lazily(doing: Applying, session: Session, wrong: Mismatch) -> Applied:
        named = session.review
        if named is not None and named.event_id < doing.event.inbox_id:
            return Applied(session, wrong)
        return await reviewing.to_review(doing, session, wrong)

    monkeypatch.setattr(effects, "to_review", lazily)
    await a_few_at_once(_round(shop, number) for number in range(ROUNDS))
    assert await disagreements(shop.database) != []


async def test_of_fifty_decisions_at_once_one_stands(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.api.told(shop.stripe_paid(session, amount_total=900))
    [row] = await shop.events()
    answers = await asyncio.gather(
        *(
            shop.admin("POST", f"/reviews/{row['_id']}/{choice}", json={"reason": "now"})
            for choice in ("accept", "reject") * 25
        )
    )
    codes = sorted((one.status_code, one.json().get("error", "")) for one in answers)
    assert codes == [(200, ""), *[(409, "already_decided")] * 49]
    entries = (await shop.admin("GET", "/audit")).json()["entries"]
    assert len([one for one in entries if one["action"].startswith("review.")]) == 1
    assert await disagreements(shop.database) == []


@pytest.mark.parametrize("outcome", ["captured", "failed"])
async def test_a_decision_meets_the_webhook_of_the_same_payment(shop: Shop, outcome: str) -> None:
    async def meet(number: int) -> None:
        session = await shop.api.open(paymentMethod="razorpay")
        sid = session["sessionId"]
        await shop.api.told(shop.razorpay("payment.authorized", session, amount=900))
        status = {"status": outcome}
        choice = ("accept", "reject")[number % 2]
        answer, _ = await asyncio.gather(
            shop.admin("POST", f"/reviews/{sid}/{choice}", json={"reason": "now"}),
            shop.api.told(shop.razorpay(f"payment.{outcome}", session, 60, amount=900, **status)),
        )
        assert answer.status_code in {200, 409}, answer.text
        stored = await shop.session(sid)
        completed = choice == "accept" and outcome == "captured" and answer.status_code == 200
        assert (stored["status"] == "completed") == completed, (stored, answer.text)

    await a_few_at_once(meet(number) for number in range(12))
    assert await disagreements(shop.database) == []
