"""Of what becomes of a subscription an event may be lost: the job looks for what nobody told."""

from datetime import timedelta
from typing import Any

import pytest

from service.core.clock import ManualClock
from service.core.errors import ProviderUnreachable
from service.payments.subscriptions import repository
from service.providers.base import VerifiedEvent
from service.providers.stripe.adapter import StripeProvider
from service.storage.database import Database
from tests.sandbox.lab import Lab
from tests.subscriptions.at_razorpay import Subscribed, paid_there
from tests.subscriptions.living import USER, Living, begun
from tests.support.api import JOBS

PERIOD, DAY = timedelta(days=30), timedelta(days=1)


def _pass(lab: Lab, time: timedelta) -> None:
    clock = lab.sandbox.clock
    assert isinstance(clock, ManualClock)
    clock.advance(time)


async def _run(lab: Lab, **body: Any) -> tuple[int, int]:
    """Run the job; return how many it found to be unread, and how many it read."""
    report = (await lab.api.call("POST", "/api/jobs/subscriptions", JOBS, json=body)).json()
    return report["unread"], report["read"]


async def _unheard(living: Living, days: float) -> None:
    """Let days pass at Stripe, of which no event comes."""
    await living.let_pass(days)
    await living.database["sandbox_deliveries"].delete_many({"status": "pending"})
    _pass(living.lab, timedelta(days=days))


async def test_a_renewal_of_which_nobody_told_is_in_the_ledger_once_its_period_is_over(
    lab: Lab, database: Database
) -> None:
    living = await begun(lab, database)
    await living.arrive()
    await _unheard(living, 30.2)
    assert await _run(lab) == (0, 0)  # its events may be on their way
    _pass(lab, timedelta(hours=6))
    assert await _run(lab, dryRun=True) == (1, 0)
    assert await _run(lab) == (1, 1)
    row = await living.row()
    assert (row["status"], len(row["paymentIds"]), row["unread"]) == ("active", 2, False)
    assert await database["payments"].count_documents({"status": "succeeded"}) == 2
    assert await _run(lab) == (0, 0)


async def test_an_end_of_which_nobody_told_is_told_once_its_period_is_over(
    lab: Lab, database: Database
) -> None:
    living = await begun(lab, database)
    await living.arrive()
    await living.at_stripe("DELETE")
    await _unheard(living, 31)
    assert (await living.row())["status"] == "active"
    assert await _run(lab) == (1, 1)
    await lab.api.settle()
    assert (await living.row())["status"] == "canceled"
    assert len(await living.messages("subscription.inactive")) == 1
    _pass(lab, 40 * DAY)
    assert await _run(lab) == (0, 0)


async def test_control_of_one_that_nobody_looks_for_nothing_is_known(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "_untold", lambda now: {"_id": None})
    living = await begun(lab, database)
    await living.arrive()
    await living.at_stripe("DELETE")
    await _unheard(living, 31)
    assert await _run(lab) == (0, 0)
    assert (await living.row())["status"] == "active"


async def test_one_that_is_collected_for_is_looked_for_each_day_and_one_given_up_each_week(
    lab: Lab, database: Database
) -> None:
    subscribed = await paid_there(lab, database)
    await subscribed.advance(31, declines=True)
    assert (await subscribed.row())["status"] == "past_due"
    _pass(lab, DAY)
    assert await _run(lab) == (1, 1)
    await _give_up(subscribed)
    _pass(lab, DAY)
    assert await _run(lab) == (1, 1)
    assert (await subscribed.row())["status"] == "halted"
    _pass(lab, 6 * DAY)
    assert await _run(lab) == (0, 0)
    _pass(lab, DAY)
    assert await _run(lab) == (1, 1)


async def _give_up(subscribed: Subscribed) -> None:
    await subscribed.live(45)
    await subscribed.lose("payment.failed", "subscription.pending", "subscription.halted")


async def test_what_is_told_meanwhile_is_not_marked_twice(lab: Lab, database: Database) -> None:
    """Two processes find the same ones: the second leaves alone what the first has marked."""
    living = await begun(lab, database)
    await living.arrive()
    _pass(lab, PERIOD + DAY)
    now = lab.sandbox.clock.now()
    found = await repository.find_untold(now, 10)
    assert len(found) == 1
    await repository.mark_untold(found, now, now - DAY)
    marked = await living.row()
    assert (marked["unread"], marked["wanted"]) == (True, marked["asked"] + 1)
    await repository.mark_untold(found, now, now)
    assert await living.row() == marked


async def test_one_that_can_not_be_read_is_told_as_it_is_known_and_waits_behind_all_others(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(self: StripeProvider, subscription_id: str, read: int) -> VerifiedEvent:
        raise ProviderUnreachable("Stripe can't be reached.")

    living = await begun(lab, database)
    await living.arrive()
    _pass(lab, PERIOD + DAY)
    with monkeypatch.context() as patched:
        patched.setattr(StripeProvider, "read_subscription", down)
        assert await _run(lab) == (1, 0)
        path = f"/api/payment/subscription-status?userId={USER}"
        told = (await lab.api.call("GET", path)).json()["subscription"]
    assert (told["status"], told["unread"]) == ("active", True)
    assert (await living.row())["unreadSince"] == lab.sandbox.clock.now()
    _pass(lab, timedelta(hours=1))
    assert await _run(lab) == (1, 1)
