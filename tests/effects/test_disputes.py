"""Disputes as providers report them: one row each, and what it holds of the payment."""

import itertools
from typing import Any

import pytest

from service.payments.disputes.operations import record
from tests.effects.returned import (
    Session,
    booked,
    ledger,
    one_of,
    stripe_dispute,
    stripe_refund,
    try_waiting,
)
from tests.support.events import Delivery, stripe_checkout
from tests.support.shop import Shop


def _life(shop: Shop, session: Session) -> dict[str, Delivery]:
    """Return a payment's success and a dispute that is lost, all within one second."""
    gone = {"balance_transactions": [booked(session, 1, -1000, 1500)]}
    found = stripe_checkout(session)
    return {
        "paid": shop.stripe(
            "checkout.session.completed", found, event_id=f"evt_paid{session['sessionId']}"
        ),
        "created": stripe_dispute(shop, session, "created"),
        "withdrawn": stripe_dispute(shop, session, "funds_withdrawn", **gone),
        "review": stripe_dispute(shop, session, "updated", status="under_review", **gone),
        "lost": stripe_dispute(shop, session, "closed", status="lost", **gone),
    }


async def _after(shop: Shop, order: tuple[str, ...]) -> str:
    session = await shop.api.open()
    events = _life(shop, session)
    for name in order:
        await shop.receive(events[name])
        await try_waiting(shop)
    return await ledger(shop, session)


@pytest.mark.parametrize("left_out", ["paid", "created", "withdrawn", "review", "lost"])
async def test_all_orders_of_four_events_of_a_dispute_s_life_end_alike(
    shop: Shop, left_out: str
) -> None:
    some = [name for name in ("paid", "created", "withdrawn", "review", "lost") if name != left_out]
    if "paid" not in some:
        some = ["paid", "created", "lost"]
    ends = {await _after(shop, order) for order in itertools.permutations(some)}
    assert len(ends) == 1


async def test_control_where_the_last_word_stands_the_order_shows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def last(known: Any, said: dict[str, Any], place: int) -> dict[str, Any]:
        found: dict[str, Any] = known.differing({k: v for k, v in said.items() if v is not None})
        return found

    monkeypatch.setattr(record, "changes_said", last)
    orders = [("paid", "created", "lost"), ("paid", "lost", "created")]
    assert len({await _after(shop, order) for order in orders}) == 2


async def _told(shop: Shop, session: Session, kind: str, after: int, **fields: Any) -> Any:
    await shop.receive(stripe_dispute(shop, session, kind, after, **fields))
    row = await one_of(shop, "disputes")
    return row["status"], row["withdrawn"], (await one_of(shop, "payments"))["held"]


async def test_a_dispute_holds_its_money_until_it_is_won(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.receive(shop.stripe_paid(session))
    gone = [booked(session, 1, -1000, 1500)]
    back = [*gone, booked(session, 2, 1000)]
    moved = "balance_transactions"
    assert [
        await _told(shop, session, "created", 1),
        await _told(shop, session, "funds_withdrawn", 2, **{moved: gone}),
        await _told(shop, session, "closed", 3, status="won", **{moved: gone}),
        await _told(shop, session, "funds_reinstated", 4, status="won", **{moved: back}),
    ] == [
        ("needs_response", None, 1000),
        ("needs_response", 1000, 1000),
        ("won", 1000, 0),
        ("won", 0, 0),
    ]
    row = await one_of(shop, "disputes")
    assert [one["fee"] for one in row["movements"]] == [1500, 0]
    assert row["closedAt"] is not None
    assert [move["to"] for move in row["history"]] == ["needs_response", "won"]
    assert (await shop.session(session["sessionId"]))["status"] == "completed"
    assert len(await shop.messages("dispute.needs_response")) == 1
    assert len(await shop.messages("dispute.won")) == 1


async def test_an_inquiry_holds_nothing_until_it_becomes_a_dispute_of_money(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.receive(shop.stripe_paid(session))
    asks = {"status": "warning_needs_response", "is_charge_refundable": True}
    assert await _told(shop, session, "created", 1, **asks) == ("inquiry", None, 0)
    assert (await one_of(shop, "disputes"))["refundable"] is True
    assert await _told(shop, session, "updated", 2, status="needs_response") == (
        "needs_response",
        None,
        1000,
    )


async def test_a_dispute_that_was_appealed_stands_open_again(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.receive(shop.stripe_paid(session))
    await _told(shop, session, "closed", 1, status="lost")
    assert (await one_of(shop, "disputes"))["closedAt"] is not None
    appealed = await _told(shop, session, "updated", 2, status="appeal_under_review")
    assert appealed[0] == "under_review"
    assert (await one_of(shop, "disputes"))["closedAt"] is None


async def test_two_disputes_of_a_payment_hold_their_sum_and_a_refund_is_beside_them(
    shop: Shop,
) -> None:
    session = await shop.api.open()
    await shop.receive(shop.stripe_paid(session))
    for number, amount in enumerate((300, 200)):
        await shop.receive(
            stripe_dispute(shop, session, "created", number, id=f"du_{number}", amount=amount)
        )
    await shop.receive(stripe_refund(shop, session, status="succeeded"))
    row = await one_of(shop, "payments")
    assert (row["held"], row["refunded"]) == (500, 400)


async def test_a_dispute_of_a_payment_that_is_not_known_waits_for_it(shop: Shop) -> None:
    session = await shop.api.open()
    assert (await shop.receive(stripe_dispute(shop, session, "created"))).outcome == "parked"
    assert await shop.database["disputes"].count_documents({}) == 0
    await shop.receive(shop.stripe_paid(session))
    assert await try_waiting(shop) == 1
    assert (await one_of(shop, "payments"))["held"] == 1000
