"""A session's id is free again once it was purged; the money that was paid for it is not."""

from datetime import datetime
from typing import Any

import pytest

from service.payments.payments.documents import Claim
from service.sessions.operations.moving import move
from tests.sessions.asking import change, problem
from tests.support.events import Delivery, stripe_intent
from tests.support.reviews import disagreements
from tests.support.shop import Shop, completions


async def _taken_anew(shop: Shop, *, by_hand: bool = False) -> dict[str, Any]:
    """Complete a session, have it purged, and open another one by the same id."""
    session = await shop.api.open(sessionId="s-1")
    if by_hand:
        assert (await change(shop.api, sessionId="s-1", status="completed")).status_code == 200
    else:
        assert (await shop.api.told(shop.stripe_paid(session)))["outcome"] == "processed"
    shop.pass_time(days=91)
    assert (await shop.clean_up())["purged"] == 1
    return await shop.api.open(sessionId="s-1")


def _told_again(shop: Shop, session: dict[str, Any]) -> Delivery:
    """Tell once more of the payment that completed the first one, in an event of its own."""
    return shop.stripe("payment_intent.succeeded", stripe_intent(session))


async def test_a_payment_completes_no_later_session_of_the_same_id(shop: Shop) -> None:
    session = await _taken_anew(shop)
    assert (await shop.api.told(_told_again(shop, session)))["outcome"] == "review"
    stored = await shop.session("s-1")
    assert (stored["status"], stored["review"]["reason"]) == (
        "pending",
        "payment_of_another_session",
    )
    for decision, code in (("accept", 409), ("reject", 200)):
        body = {"reason": "paid for the first one"}
        answer = await shop.admin("POST", "/reviews/s-1/" + decision, json=body)
        assert answer.status_code == code, answer.text
    by_hand = {"status": "completed", "providerPaymentId": "pi_s-1"}
    problem(await change(shop.api, sessionId="s-1", **by_hand), 409, "payment_taken")

    paid = shop.stripe_paid(session, payment_intent="pi_2", id="cs_test_2")
    assert (await shop.api.told(paid))["outcome"] == "processed"
    stored = await shop.session("s-1")
    assert (completions(stored), stored["providerPaymentId"]) == (1, "pi_2")
    assert await disagreements(shop.database) == []


async def test_control_by_its_id_alone_one_payment_completes_two_sessions(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_id(claim: Claim, merchant_id: str, session_id: str, _: datetime) -> bool:
        return (claim.merchant_id, claim.session_id) == (merchant_id, session_id)

    monkeypatch.setattr(Claim, "is_of", by_id)
    session = await _taken_anew(shop)
    assert (await shop.api.told(_told_again(shop, session)))["outcome"] == "processed"
    assert (await shop.session("s-1"))["status"] == "completed"


async def test_an_entry_by_hand_is_not_entered_again_for_a_later_session(shop: Shop) -> None:
    await _taken_anew(shop, by_hand=True)
    [before] = await shop.payments()
    problem(await change(shop.api, sessionId="s-1", status="completed"), 409, "payment_taken")
    assert ((await shop.session("s-1"))["status"], await shop.payments()) == ("pending", [before])


async def test_a_row_of_before_the_opening_was_kept_is_known_by_the_id(shop: Shop) -> None:
    session = await shop.api.open(sessionId="s-1")
    held = shop.stripe("payment_intent.processing", stripe_intent(session))
    await shop.api.told(held)
    await shop.database["payments"].update_many({}, {"$unset": {"sessionOpenedAt": 1}})
    assert (await shop.api.told(_told_again(shop, session)))["outcome"] == "processed"
    assert (await shop.session("s-1"))["status"] == "completed"


async def _completed_twice(shop: Shop) -> list[Any]:
    """Complete a session, and a later one of its id; return which the messages are of, and when."""
    session = await _taken_anew(shop)
    paid = shop.stripe_paid(session, payment_intent="pi_2", id="cs_test_2")
    assert (await shop.api.told(paid))["outcome"] == "processed"
    return [row["createdAt"] for row in await shop.messages("session.completed")]


async def test_that_a_later_session_was_completed_is_told_as_well(shop: Shop) -> None:
    assert len(set(await _completed_twice(shop))) == 2


async def test_control_by_its_id_the_later_message_is_taken_for_the_one_before(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(move, "this_version", lambda one: f"{one.session_id}:{one.version}")
    assert len(await _completed_twice(shop)) == 1
