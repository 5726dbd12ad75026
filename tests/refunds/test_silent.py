"""Refunds of which nobody reports: the job asks about them."""

import json
from datetime import timedelta

import msgspec
import pytest

from service.jobs.operations.run import run_job
from service.payments.refunds.documents import Refund
from service.payments.refunds.sending import ask_again, send
from service.payments.refunds.sending.ask_again import RefundsReport
from service.providers.refunding import RefundRequest
from tests.bookkeeping.books import CRON
from tests.effects.returned import stripe_refund
from tests.refunds.money import Money, made


async def _ask(money: Money, *, dry_run: bool = False) -> dict[str, int]:
    table = money.shop.api.container.job_table
    report = await run_job("refunds", table, CRON, dry_run=dry_run)
    assert isinstance(report, RefundsReport)
    return report.figures()


async def test_a_pending_refund_whose_event_was_lost_is_found_out_about(money: Money) -> None:
    payment = await money.paid()
    money.books.plans.append("pending")
    made(await money.refund(payment))
    (stripes,) = money.books.made.values()
    stripes["status"] = "succeeded"
    assert await _ask(money) == {"asked": 0, "ended": 0}
    money.shop.pass_time(hours=12)
    assert await _ask(money, dry_run=True) == {"asked": 1, "ended": 0}
    assert await _ask(money) == {"asked": 1, "ended": 1}
    assert await money.sums(payment) == (1000, 0)
    assert money.books.asked() == 1
    assert ask_again.SILENT_FOR == timedelta(hours=12)


async def test_one_that_is_still_pending_is_asked_about_again_half_a_day_later(
    money: Money,
) -> None:
    payment = await money.paid()
    money.books.plans.append("pending")
    made(await money.refund(payment))
    money.shop.pass_time(hours=12)
    assert [await _ask(money) for _ in range(2)] == [
        {"asked": 1, "ended": 0},
        {"asked": 0, "ended": 0},
    ]
    money.shop.pass_time(hours=12)
    assert await _ask(money) == {"asked": 1, "ended": 0}
    assert (await money.the_refund())["needsPerson"] is None


async def test_one_whose_message_was_lost_goes_out(money: Money) -> None:
    payment = await money.paid()
    money.books.plans.append("dropped")
    made(await money.refund(payment))
    await money.shop.database["outbox"].delete_many({})
    money.shop.pass_time(hours=12)
    assert await _ask(money) == {"asked": 1, "ended": 1}
    assert money.books.moved(payment) == 1000


async def test_one_that_waits_for_a_person_is_asked_about_and_never_repeated(
    money: Money,
) -> None:
    payment = await money.paid()
    money.books.plans.append("lost")
    made(await money.refund(payment))
    money.books.silent = True
    money.shop.pass_time(hours=24)
    assert await _ask(money) == {"asked": 1, "ended": 0}
    assert (await money.the_refund())["needsPerson"]
    money.books.silent = False
    money.shop.pass_time(hours=12)
    assert await _ask(money) == {"asked": 1, "ended": 1}
    assert (await money.the_refund())["status"] == "succeeded"
    assert (money.books.asked(), money.books.moved(payment)) == (1, 1000)


async def _made_in_the_dashboard(money: Money) -> None:
    """Have a refund made at Stripe's, and its first event alone told."""
    session = await money.shop.api.open()
    await money.shop.api.told(money.shop.stripe_paid(session))
    told = stripe_refund(money.shop, session, "created", status="pending")
    await money.shop.api.told(told)
    found = json.loads(told.body)["data"]["object"]
    money.books.made[found["id"]] = found | {"status": "succeeded"}


async def test_one_that_was_made_in_the_dashboard_is_asked_about_by_its_provider_s_id(
    money: Money,
) -> None:
    await _made_in_the_dashboard(money)
    money.shop.pass_time(hours=12)
    assert await _ask(money) == {"asked": 1, "ended": 1}
    row = await money.the_refund()
    assert (row["status"], row["source"]) == ("succeeded", "provider")
    assert money.books.asked() == 0


async def test_control_asked_for_as_one_of_ours_it_ends_the_job(
    money: Money, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_ours(refund: Refund) -> RefundRequest:
        return msgspec.convert(refund.sent, RefundRequest)

    monkeypatch.setattr(send, "sent", as_ours)
    await _made_in_the_dashboard(money)
    money.shop.pass_time(hours=12)
    with pytest.raises(msgspec.ValidationError):
        await _ask(money)
