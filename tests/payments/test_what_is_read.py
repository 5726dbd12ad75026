"""What refunds, disputes and tries ask of the database; and that a payment asks nothing more."""

from typing import Any

from service.inbox.operations import apply
from service.payments.attempts import repository as attempts
from service.payments.payments import repository as payments
from service.storage.database import Row
from tests.effects import streams
from tests.effects.returned import razorpay_refund, stripe_dispute, stripe_refund, try_waiting
from tests.support.profiled import profiled
from tests.support.shop import Shop


def _asked(done: list[Row]) -> list[str]:
    """Return each question that is not the transaction's own, by its collection."""
    return [
        f"{row['op']} {row['ns'].partition('.')[2]}"
        for row in done
        if "$cmd" not in row["ns"] and row["op"] in {"query", "update", "insert", "command"}
    ]


async def test_every_question_about_money_back_is_served_by_an_index(shop: Shop) -> None:
    session = await shop.api.open()
    other = await shop.api.open(paymentMethod="razorpay", sessionId="held")
    never_captured = {"captured": False, "status": "refunded"}
    async with profiled(shop.database) as done:
        await shop.receive(stripe_refund(shop, session))
        for delivery in streams.stripe_paid_later(shop, session, 60):
            await shop.receive(delivery)
        await try_waiting(shop)
        await shop.receive(stripe_refund(shop, session, after=1, status="succeeded"))
        await shop.receive(stripe_dispute(shop, session, "created"))
        await shop.receive(shop.razorpay("payment.authorized", other, status="authorized"))
        await shop.receive(razorpay_refund(shop, other, "processed", payment=never_captured))
        await attempts.of_session("default", session["sessionId"])
        await attempts.of_payments("stripe", "default", [f"pi_{session['sessionId']}"])
    planned = [row for row in done if "planSummary" in row]
    assert len(planned) > 20
    assert [row["ns"] for row in planned if "COLLSCAN" in row["planSummary"]] == []
    asked = {row["ns"].partition(".")[2] for row in planned}
    assert {"refunds", "disputes", "payment_attempts", "payments"} <= asked


async def _questions(shop: Shop, session: dict[str, Any]) -> list[str]:
    async with profiled(shop.database) as done:
        told = await shop.receive(shop.stripe_paid(session))
    assert told.outcome == "processed"
    return _asked(done)


async def test_a_payment_that_comes_alone_asks_no_more_than_before_anything_could_wait(
    shop: Shop, monkeypatch: Any
) -> None:
    first, second = await shop.api.open(), await shop.api.open(sessionId="another")
    asked = await _questions(shop, first)
    assert asked.count("query webhook_events") == 1
    assert not {"query refunds", "query disputes", "query payment_attempts"} & {*asked}
    assert "insert payment_attempts" not in asked

    def nothing(event: Any, inbox: Any) -> Any:
        return apply.repository.Meeting(event.provider, event.account, event.inbox_id)

    monkeypatch.setattr(apply, "_meeting", nothing)
    assert await _questions(shop, second) == asked


async def test_control_one_that_looked_for_what_waits_by_itself_would_ask_once_more(
    shop: Shop, monkeypatch: Any
) -> None:
    refuse_known = apply.repository.refuse_known

    async def apart(met: Any, tx: Any) -> list[str]:
        await refuse_known(met, tx)
        return await apply.repository.waiting_for(met, tx)

    monkeypatch.setattr(apply.repository, "refuse_known", apart)
    session = await shop.api.open()
    assert (await _questions(shop, session)).count("query webhook_events") == 2


async def test_the_index_of_those_that_wait_holds_no_others(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.receive(shop.stripe_paid(session))
    wanted = {"waitsFor": {"$in": ["pi_none"], "$type": "string"}}
    plan = await shop.database["webhook_events"].find(wanted).hint("waitsFor").explain()
    assert plan["executionStats"]["totalKeysExamined"] <= 1
    assert await payments.find_reported("stripe", "default", ["pi_none"]) is None
