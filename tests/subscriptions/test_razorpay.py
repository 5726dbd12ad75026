"""A subscription of the sandbox's Razorpay, from its link to its end."""

import pytest

from service.core.clock import ManualClock
from service.storage.database import Database
from tests.sandbox.lab import Lab
from tests.subscriptions.at_razorpay import begun_there, paid_there
from tests.subscriptions.living import USER
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening


async def test_its_first_charge_completes_the_session_and_renewals_are_linked(
    lab: Lab, database: Database
) -> None:
    subscribed = await paid_there(lab, database)
    session = await lab.api.read(subscribed.session_id)
    assert (session["status"], session["review"]) == ("completed", None)
    row = await subscribed.row()
    assert (row["status"], row["plan"], row["userId"]) == ("active", "basic", USER)
    await subscribed.advance(61)
    row = await subscribed.row()
    assert (row["status"], len(row["paymentIds"])) == ("active", 3)
    rows = await database["payments"].find({}).to_list()
    assert {(one["status"], one["userId"]) for one in rows} == {("succeeded", USER)}
    assert (await lab.api.read(subscribed.session_id))["review"] is None


async def test_a_renewal_that_fails_halts_it_once(lab: Lab, database: Database) -> None:
    subscribed = await paid_there(lab, database)
    await subscribed.advance(31, declines=True)
    assert (await subscribed.row())["status"] == "past_due"
    await subscribed.advance(40)
    assert (await subscribed.row())["status"] == "halted"
    wanted = {"topic": "subscription.inactive"}
    assert await database["outbox"].count_documents(wanted) == 1
    back = await subscribed.ask("reactivate-subscription")
    assert (back.status_code, back.json()["error"]) == (409, "subscription_unpaid")


async def test_it_is_changed_and_ends(lab: Lab, database: Database) -> None:
    subscribed = await paid_there(lab, database)
    changed = await subscribed.ask("change-plan", plan="premium")
    assert changed.json()["subscription"]["plan"] == "premium", changed.text
    ends = await subscribed.ask("cancel-subscription")
    assert ends.json()["subscription"]["cancelAtPeriodEnd"], ends.text
    back = await subscribed.ask("reactivate-subscription")
    assert (back.status_code, back.json()["error"]) == (409, "change_not_offered")
    over = await subscribed.ask("cancel-subscription", atPeriodEnd=False)
    assert over.json()["subscription"]["status"] == "canceled", over.text


@pytest.mark.parametrize("paid", [True, False])
async def test_asking_completes_the_session_without_a_webhook(
    lab: Lab, database: Database, paid: bool
) -> None:
    subscribed = await begun_there(lab, database)
    assert isinstance(lab.sandbox.clock, ManualClock)
    if paid:
        await happen(await lab.checkout(subscribed.id), Happening.PAID, lab.sandbox)
    body = {"sessionId": subscribed.session_id}
    answer = await lab.api.call("POST", "/api/payment/verify-checkout-session", json=body)
    assert answer.json()["paid"] is paid, answer.text
    said = answer.json()["subscription"]
    assert (said["status"] if said else None) == ("active" if paid else None)


async def test_a_session_that_is_canceled_closes_the_link(lab: Lab, database: Database) -> None:
    subscribed = await begun_there(lab, database)
    body = {"sessionId": subscribed.session_id, "status": "canceled"}
    answer = await lab.api.call("PUT", "/api/payment-sessions", json=body)
    assert answer.status_code == 200, answer.text
    await subscribed.arrive()
    assert (await lab.checkout(subscribed.id)).status == "canceled"
