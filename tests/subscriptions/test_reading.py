"""What becomes of a subscription is read at its provider; events only say that something did."""

from datetime import timedelta

import pytest

from service.core.errors import ProviderUnreachable
from service.effects import subscriptions as effects
from service.payments.subscriptions import repository
from service.payments.subscriptions.operations import record
from service.providers.base import VerifiedEvent
from service.providers.stripe.adapter import StripeProvider
from service.storage.database import Database
from tests.sandbox.lab import Lab
from tests.sessions.asking import put_price
from tests.subscriptions.living import USER, begun, emptied_of, found, handed_in, rows_of
from tests.support.api import JOBS


async def test_a_subscription_that_was_paid_is_read_and_belongs_to_who_opened_it(
    lab: Lab, database: Database
) -> None:
    living = await begun(lab, database)
    await living.arrive()
    row = await living.row()
    assert (row["status"], row["plan"], row["userId"]) == ("active", "basic", USER)
    assert (row["sessionId"], row["unread"], row["amount"]) == (living.session_id, False, 999)
    assert (row["currency"], row["interval"]) == ("USD", "month")
    assert len(await living.messages("subscription.active")) == 1


async def test_a_trial_says_when_it_ends_and_is_paid_for_then(lab: Lab, database: Database) -> None:
    await put_price(lab.api, "basic", 999, trialDays=7)
    living = await begun(lab, database, amount=None)
    await living.arrive()
    row = await living.row()
    assert (row["status"], row["trialEnd"]) == ("trialing", row["currentPeriodEnd"])
    await living.pass_days(8)
    row = await living.row()
    assert (row["status"], len(row["paymentIds"])) == ("active", 1)


async def test_a_renewal_is_linked_and_belongs_to_the_user_though_the_session_is_purged(
    lab: Lab, database: Database
) -> None:
    living = await begun(lab, database)
    await living.arrive()
    await database["sessions"].delete_many({})
    await living.pass_days(61)
    row = await living.row()
    assert len(row["paymentIds"]) == 3
    payments = await database["payments"].find({}).to_list()
    assert {(one["userId"], one["sessionId"]) for one in payments} == {(USER, living.session_id)}
    assert {one["status"] for one in payments} == {"succeeded"}
    # By these a refund or a dispute names them: an invoice does not say what paid it.
    assert all(any(alias.startswith("pi_") for alias in one["aliases"]) for one in payments)


async def test_a_renewal_that_fails_four_times_makes_it_inactive_once(
    lab: Lab, database: Database
) -> None:
    living = await begun(lab, database)
    await living.arrive()
    await living.pay_with("pm_card_chargeCustomerFail")
    attempts, tries = [], []
    for days in (31, 3, 2, 3):
        await living.pass_days(days)
        row = await living.row()
        attempts.append((row["status"], row["renewalAttempts"]))
        tries.append(row["nextAttempt"])
    assert attempts == [("past_due", 1), ("past_due", 2), ("past_due", 3), ("canceled", 4)]
    first, second, third, over = tries
    assert (second - first, third - second, over) == (timedelta(2), timedelta(2), None)
    assert len(await living.messages("subscription.inactive")) == 1
    assert (await living.row())["inactiveSince"] is not None


async def test_a_renewal_that_is_paid_in_the_end_leaves_it_active(
    lab: Lab, database: Database
) -> None:
    living = await begun(lab, database)
    await living.arrive()
    await living.pay_with("pm_card_chargeCustomerFail")
    await living.pass_days(31)
    await living.pay_with("pm_card_visa")
    await living.pass_days(4)
    row = await living.row()
    assert (row["status"], row["renewalAttempts"], row["inactiveSince"]) == ("active", 0, None)
    assert await living.messages("subscription.inactive") == []


async def test_a_provider_that_is_down_parks_the_reading_and_it_heals(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    living = await begun(lab, database)

    async def down(self: StripeProvider, subscription_id: str, read: int) -> VerifiedEvent:
        raise ProviderUnreachable("Stripe can't be reached.")

    with monkeypatch.context() as patched:
        patched.setattr(StripeProvider, "read_subscription", down)
        await living.arrive()
        row = await living.row()
        assert (row["status"], row["unread"], row["asked"] > 0) == (None, True, True)
    await living.try_again()
    row = await living.row()
    assert (row["status"], row["unread"]) == ("active", False)


async def test_what_the_messages_gave_up_the_job_reads(lab: Lab, database: Database) -> None:
    living = await begun(lab, database)
    await living.arrive()
    past = lab.sandbox.clock.now() - timedelta(hours=2)
    marked = {"unread": True, "wanted": 99, "asked": 98, "unreadSince": past}
    await database["subscriptions"].update_one({}, {"$set": marked})
    answer = await lab.api.call("POST", "/api/jobs/subscriptions", JOBS)
    assert (answer.json()["unread"], answer.json()["read"]) == (1, 1), answer.text
    assert not (await living.row())["unread"]
    again = await lab.api.call("POST", "/api/jobs/subscriptions", JOBS)
    assert (again.json()["unread"], again.json()["read"]) == (0, 0)


async def test_the_greatest_reading_stands_and_what_has_ended_outranks_all(
    lab: Lab, database: Database
) -> None:
    living = await begun(lab, database)
    ends = []
    for order in ([1, 2, 3], [3, 2, 1], [2, 3, 1], [1, 3, 2]):
        await emptied_of(database)
        states = {1: "active", 2: "unpaid", 3: "active"}
        for read in order:
            await handed_in(lab, found(living.id, states[read]), read)
        ends.append(await rows_of(database))
    assert len({str(one) for one in ends}) == 1
    assert (ends[0][0]["status"], ends[0][0]["seq"]) == ("active", 3)
    for order in ([1, 2], [2, 1]):
        await emptied_of(database)
        for read in order:
            await handed_in(lab, found(living.id, "canceled" if read == 1 else "active"), read)
        assert (await living.row())["status"] == "canceled"


async def test_control_without_numbers_the_last_answer_stands(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    living = await begun(lab, database)
    monkeypatch.setattr(record, "outranks", lambda *_: True)
    for read in (2, 1):
        await handed_in(lab, found(living.id, "canceled" if read == 2 else "active"), read)
    assert (await living.row())["status"] == "active"


async def test_the_number_of_a_reading_is_taken_before_it_is_sent(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    living = await begun(lab, database)
    await living.arrive()
    seen: list[tuple[int, int]] = []
    real = StripeProvider.read_subscription

    async def looking(self: StripeProvider, subscription_id: str, read: int) -> VerifiedEvent:
        seen.append((read, (await living.row())["asked"]))
        return await real(self, subscription_id, read)

    monkeypatch.setattr(StripeProvider, "read_subscription", looking)
    before = (await living.row())["asked"]
    await living.pay_with("pm_card_visa")
    assert seen == [(before + 1, before + 1)]


async def test_what_happens_while_it_is_read_has_it_read_once_more(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    living = await begun(lab, database)
    await living.arrive()
    real, states = StripeProvider.read_subscription, list[str]()

    async def meeting(self: StripeProvider, subscription_id: str, read: int) -> VerifiedEvent:
        answer = await real(self, subscription_id, read)
        if not states:
            states.append("old")
            await living.at_stripe("DELETE")
            await lab.deliver_all()
        return answer

    monkeypatch.setattr(StripeProvider, "read_subscription", meeting)
    await living.pay_with("pm_card_visa")
    await living.try_again()
    assert (await living.row())["status"] == "canceled"


async def _renewed_in_silence(lab: Lab, database: Database) -> tuple[list[str], list[str]]:
    """Renew it while the events of its invoices are lost; return its payments, and those known."""
    living = await begun(lab, database)
    await living.arrive()
    now = int(lab.sandbox.clock.now().timestamp())
    clocks = "/v1/test_helpers/test_clocks"
    clock = await living.at_stripe(path=clocks, frozen_time=now)
    until = now + 31 * 86_400
    await living.at_stripe(path=f"{clocks}/{clock['id']}/advance", frozen_time=until)
    await database["sandbox_deliveries"].delete_many({"type": {"$regex": "^invoice"}})
    await living.arrive()
    rows = await database["payments"].find({}).sort("providerPaymentId", 1).to_list()
    return (await living.row())["paymentIds"], [row["providerPaymentId"] for row in rows]


async def test_a_renewal_whose_events_are_lost_is_linked_by_the_reading(
    lab: Lab, database: Database
) -> None:
    linked, known = await _renewed_in_silence(lab, database)
    assert (linked, len(known)) == (known, 2)


async def test_control_what_a_reading_tells_besides_is_else_in_the_ledger_alone(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effects, "_paid_by", lambda _: ())
    linked, known = await _renewed_in_silence(lab, database)
    assert (len(linked), len(known)) == (1, 2)


async def test_a_repeated_hint_asks_for_one_reading(lab: Lab, database: Database) -> None:
    living = await begun(lab, database)
    await lab.deliver_all()
    messages = await database["outbox"].find({"topic": "provider.read_subscription"}).to_list()
    row = await living.row()
    assert len(messages) <= row["asked"] + 1
    assert await repository.count_unread(lab.sandbox.clock.now()) in {0, 1}


async def test_the_timeline_of_its_session_tells_what_became_of_it(
    lab: Lab, database: Database
) -> None:
    living = await begun(lab, database)
    await living.arrive()
    await living.pay_with("pm_card_chargeCustomerFail")
    await living.pass_days(31)
    answer = await lab.api.call("GET", f"/api/payment-sessions/{living.session_id}/timeline")
    entries = answer.json()["entries"]
    lines = [one["summary"] for one in entries if one["what"] == "subscription"]
    assert lines[0] == "Subscription to basic: active"
    assert lines[1].startswith("Subscription to basic: a renewal failed, and is tried again")
