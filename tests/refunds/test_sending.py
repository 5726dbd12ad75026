"""What goes out to the provider: once, however the call goes, and until somebody knows."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from service.core.errors import Busy
from service.payments.refunds.documents import Refund
from service.payments.refunds.operations import answers
from service.payments.refunds.sending import now, send
from tests.refunds.money import Money, made, refused
from tests.support.limits import genuine


async def test_an_answer_that_is_lost_is_asked_about_and_nothing_goes_out_again(
    money: Money,
) -> None:
    payment = await money.paid()
    money.books.plans.append("lost")
    refund = made(await money.refund(payment, amount=400))
    assert refund["status"] == "processing"
    assert await money.sums(payment) == (0, 400)
    await money.deliver()
    assert (await money.the_refund())["status"] == "succeeded"
    assert (money.books.asked(), money.books.moved(payment)) == (1, 400)
    assert await money.sums(payment) == (400, 0)
    await money.agrees()


async def test_who_comes_second_to_a_refund_that_is_being_asked_for_asks_nobody(
    money: Money,
) -> None:
    payment, services = await money.paid(), money.shop.api.container.refunding
    money.books.plans.append("pending")
    made(await money.refund(payment, amount=400))
    row = await money.the_refund()
    before = Refund.model_validate(row | {"status": "approved", "providerRefundId": None})
    with pytest.raises(Busy):  # it has read the row before the first one began
        await send.send(before, services)
    assert money.books.asked() == 1
    unanswered = Refund.model_validate(row | {"providerRefundId": None, "attempts": 9})
    assert await answers.note_repetition(unanswered, services.clock.now()) is None


async def test_a_call_that_never_arrived_is_repeated_with_the_same_key_and_body(
    money: Money,
) -> None:
    payment = await money.paid()
    money.books.plans.extend(["dropped", "dropped", "lost"])
    refund = made(await money.refund(payment, amount=400))
    await money.shop.database["payments"].update_one(
        # What is learned of the payment meanwhile changes nothing of what is asked for.
        {"providerPaymentId": payment},
        {"$set": {"details.chargeId": "ch_learned", "amount": 1001}},
    )
    for _ in range(3):
        await money.deliver()
    assert (await money.the_refund())["status"] == "succeeded"
    assert money.books.asked() == 3
    assert list(money.books.keys) == [refund["refundId"]]
    assert money.books.moved(payment) == 400


async def test_control_without_asking_a_key_that_was_forgotten_refunds_twice(
    money: Money, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def knows_nothing(*_: object) -> bool:
        return False

    payment = await money.paid()
    money.books.plans.append("lost")
    made(await money.refund(payment, amount=400))
    money.books.forget_keys()
    monkeypatch.setattr(send, "take_found", knows_nothing)
    await money.deliver()
    assert money.books.moved(payment) == 800


async def _listed(money: Money, **wanted: str) -> list[str]:
    found = await money.shop.api.call("GET", "/api/refunds", params=wanted)
    assert found.status_code == 200, found.text
    return [one["refundId"] for one in found.json()["refunds"]]


async def test_after_23_hours_nothing_is_repeated_and_a_person_decides(money: Money) -> None:
    payment = await money.paid()
    money.books.plans.append("dropped")
    refund = made(await money.refund(payment, amount=400))
    assert await _listed(money, needsPerson="true") == []  # the control: it is only on its way
    assert await _listed(money) == [refund["refundId"]]
    money.shop.pass_time(hours=23)
    await money.deliver()
    assert money.books.asked() == 1
    row = await money.the_refund()
    assert row["status"] == "processing"
    assert "knows of no such refund" in row["needsPerson"]
    shown = await money.shop.api.call("GET", f"/api/refunds/{refund['refundId']}")
    assert shown.json()["refund"]["needsPerson"] == row["needsPerson"]
    assert await _listed(money, needsPerson="true") == [refund["refundId"]]
    assert await _listed(money, needsPerson="true", status="requested") == []
    assert await money.sums(payment) == (0, 400)  # it may have been made all the same
    await money.deliver()
    assert money.books.asked() == 1


async def test_control_a_minute_before_it_is_repeated(money: Money) -> None:
    payment = await money.paid()
    money.books.plans.append("dropped")
    made(await money.refund(payment, amount=400))
    money.shop.pass_time(hours=22, minutes=59)
    await money.deliver()
    assert (money.books.asked(), money.books.moved(payment)) == (2, 400)
    assert send.REPEATED_FOR == timedelta(hours=23)


async def test_after_23_hours_one_that_was_made_is_still_found(money: Money) -> None:
    payment = await money.paid()
    money.books.plans.append("lost")
    made(await money.refund(payment, amount=400))
    money.shop.pass_time(days=2)
    money.books.forget_keys()
    await money.deliver()
    assert (await money.the_refund())["status"] == "succeeded"
    assert money.books.moved(payment) == 400


async def test_after_23_hours_a_provider_that_can_t_be_asked_leaves_it_to_a_person(
    money: Money,
) -> None:
    payment = await money.paid()
    money.books.plans.append("lost")
    made(await money.refund(payment, amount=400))
    money.books.silent = True
    money.shop.pass_time(hours=24)
    await money.deliver()
    assert "could not be asked" in (await money.the_refund())["needsPerson"]
    assert money.books.asked() == 1


async def test_a_person_gives_up_what_the_provider_knows_nothing_of(money: Money) -> None:
    payment = await money.paid()
    money.books.plans.append("dropped")
    refund = made(await money.refund(payment, amount=400))
    money.shop.pass_time(hours=23)
    await money.deliver()
    gone = made(await money.process(refund["refundId"], "deny", adminReason="asked Stripe"), 200)
    assert (gone["status"], gone["failureCode"]) == ("failed", "given_up")
    assert gone["needsPerson"] is None
    assert await money.sums(payment) == (0, 0)
    trail = money.shop.database["audit_log"]
    (entry,) = await trail.find({"action": "refund.failed"}).to_list()
    assert entry["reason"] == "asked Stripe"
    made(await money.refund(payment))
    assert money.books.moved(payment) == 1000
    await money.agrees()


async def test_a_person_who_would_give_up_what_was_made_finds_it_instead(money: Money) -> None:
    payment = await money.paid()
    money.books.plans.append("lost")
    refund = made(await money.refund(payment, amount=400))
    money.books.silent = True
    money.shop.pass_time(hours=24)
    await money.deliver()
    silent = await money.process(refund["refundId"], "deny")
    assert silent.status_code in {502, 504}
    assert await money.sums(payment) == (0, 400)
    money.books.silent = False
    found = made(await money.process(refund["refundId"], "deny"), 200)
    assert found["status"] == "succeeded"
    assert await money.sums(payment) == (400, 0)


async def test_a_refusal_is_final_says_why_and_frees_the_money(money: Money) -> None:
    payment = await money.paid()
    money.books.plans.append("refused:charge_disputed")
    refund = made(await money.refund(payment))
    assert (refund["status"], refund["failureCode"]) == ("failed", "charge_disputed")
    assert refund["failureMessage"] == "The payment is disputed: its money is held by the dispute."
    assert await money.sums(payment) == (0, 0)
    await money.deliver()
    assert money.books.asked() == 1
    again = made(await money.refund(payment))
    assert (again["status"], money.books.moved(payment)) == ("succeeded", 1000)
    assert again["refundId"] != refund["refundId"]
    await money.agrees()


async def test_a_refusal_of_a_repetition_is_believed_only_after_asking(money: Money) -> None:
    payment = await money.paid()
    money.books.plans.append("lost")
    made(await money.refund(payment))
    # The first call was still under way when it was asked about.
    made_by_then, money.books.made = money.books.made, {}
    money.books.plans.append("refused:charge_already_refunded")
    original = answers.note_repetition

    async def then_it_was_made(*given: Any) -> Any:
        money.books.made = made_by_then
        return await original(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(send, "note_repetition", then_it_was_made)
        await money.deliver()
    assert (await money.the_refund())["status"] == "succeeded"
    assert await money.sums(payment) == (1000, 0)


async def test_a_refund_that_fails_after_it_succeeded_frees_what_was_refunded(
    money: Money,
) -> None:
    payment = await money.paid()
    refund = made(await money.refund(payment))
    assert await money.sums(payment) == (1000, 0)
    full = await money.refund(payment, amount=1)
    assert refused(full) == (409, "more_than_left")
    (stripes,) = money.books.made.values()
    failed = stripes | {"status": "failed", "failure_reason": "lost_or_stolen_card"}
    await money.shop.api.told(money.shop.stripe("refund.failed", failed, 5))
    row = await money.the_refund()
    assert (row["refundId"], row["status"]) == (refund["refundId"], "failed")
    assert await money.sums(payment) == (0, 0)
    shown = await money.shop.api.call("GET", f"/api/refunds/{refund['refundId']}")
    assert shown.json()["refund"]["failureMessage"]
    made(await money.refund(payment))
    await money.agrees()


async def test_one_that_is_pending_waits_for_its_event_and_is_not_asked_for_again(
    money: Money,
) -> None:
    payment = await money.paid()
    money.books.plans.append("pending")
    refund = made(await money.refund(payment))
    assert (refund["status"], await money.sums(payment)) == ("processing", (0, 1000))
    await money.deliver()
    assert money.books.asked() == 1
    (stripes,) = money.books.made.values()
    done = stripes | {"status": "succeeded"}
    await money.shop.api.told(money.shop.stripe("refund.updated", done, 5))
    assert await money.sums(payment) == (1000, 0)
    assert (await money.the_refund())["refundId"] == refund["refundId"]


async def test_the_event_that_overtakes_the_answer_is_the_same_refund(money: Money) -> None:
    payment = await money.paid()
    money.books.plans.append("lost")
    made(await money.refund(payment))
    (stripes,) = money.books.made.values()
    await money.shop.api.told(money.shop.stripe("refund.created", stripes))
    await money.deliver()
    assert (await money.the_refund())["status"] == "succeeded"
    assert (money.books.asked(), await money.sums(payment)) == (1, (1000, 0))


async def _made_after_all(money: Money, status: str) -> tuple[str, Any]:
    """Have a refund refused, and its provider report it all the same."""
    payment = await money.paid()
    money.books.plans.append("refused:made_up")
    refund = made(await money.refund(payment, amount=400))
    assert (refund["status"], refund["failureCode"]) == ("failed", "made_up")
    found = {"payment_intent": payment, "metadata[refundId]": refund["refundId"], "amount": "400"}
    money.books._make(found, "another-key")
    (stripes,) = money.books.made.values()
    told = stripes | {"status": status}
    await money.shop.api.told(money.shop.stripe("refund.created", told))
    return payment, await money.the_refund()


async def test_one_that_failed_by_us_and_was_made_after_all_counts(money: Money) -> None:
    payment, row = await _made_after_all(money, "succeeded")
    assert row["status"] == "succeeded"
    assert await money.sums(payment) == (400, 0)
    await money.agrees()


async def test_nothing_is_left_of_a_failure_that_was_none(money: Money) -> None:
    _, row = await _made_after_all(money, "succeeded")
    assert (row["failureCode"], row["failureMessage"]) == (None, None)


async def test_control_what_its_provider_says_of_a_failure_stays(money: Money) -> None:
    _, row = await _made_after_all(money, "failed")
    assert (row["status"], row["failureCode"]) == ("failed", None)
    (stripes,) = money.books.made.values()
    told = stripes | {"status": "failed", "failure_reason": "expired_or_canceled_card"}
    await money.shop.api.told(money.shop.stripe("refund.failed", told, 1))
    await money.shop.api.told(money.shop.stripe("refund.created", stripes, 2))
    row = await money.the_refund()
    assert (row["status"], row["failureCode"]) == ("failed", "expired_or_canceled_card")


async def test_what_is_reported_after_all_waits_for_no_person_any_more(money: Money) -> None:
    payment = await money.paid()
    money.books.plans.append("lost")
    made(await money.refund(payment, amount=400))
    money.books.silent = True
    money.shop.pass_time(hours=24)
    await money.deliver()
    assert (await money.the_refund())["needsPerson"] is not None
    (stripes,) = money.books.made.values()
    told = money.shop.stripe("refund.created", stripes | {"status": "pending"})
    await money.shop.api.told(told)
    row = await money.the_refund()
    assert (row["status"], row["needsPerson"]) == ("processing", None)


async def test_the_limit_while_a_caller_waits_is_two_seconds() -> None:
    assert genuine(now, "ASK_WITHIN_S") == 2.0


async def test_a_provider_that_is_silent_is_waited_for_no_longer(
    money: Money, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(now, "ASK_WITHIN_S", 0.01)
    money.books.gate = asyncio.Event()
    payment = await money.paid()
    refund = made(await money.refund(payment))
    assert refund["status"] == "processing"
    money.books.gate.set()
    await money.deliver()
    assert (await money.the_refund())["status"] == "succeeded"
    assert money.books.moved(payment) == 1000
