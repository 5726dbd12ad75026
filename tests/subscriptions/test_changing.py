"""A user, or a server, changes a subscription: what is asked for twice is done once."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from bson import ObjectId

from service.core.clock import ManualClock
from service.core.errors import ProviderUnreachable
from service.core.principal import Kind, Principal
from service.payments.subscriptions import repository
from service.payments.subscriptions.operations.changes import Change, claim
from service.providers.base import VerifiedEvent
from service.providers.stripe.adapter import StripeProvider
from service.storage.database import Database
from service.storage.plain import NO_TRANSACTION, in_transaction
from tests.sandbox.lab import Lab
from tests.sessions.asking import put_price, token_of
from tests.subscriptions.living import USER, Living, begun
from tests.support.api import PUBLISHABLE, SECRET

STATUS = "/api/payment/subscription-status"


async def _active(lab: Lab, database: Database) -> Living:
    living = await begun(lab, database)
    await living.arrive()
    return living


def _problem(answer: Any) -> tuple[int, str]:
    problem = answer.json()
    assert len(problem["detail"]) > 20, problem
    return answer.status_code, problem["error"]


async def _acts(database: Database) -> list[str]:
    wanted = {"action": {"$regex": "^subscription"}}
    return [row["action"] for row in await database["audit_log"].find(wanted).to_list()]


async def test_it_ends_with_its_period_goes_on_changes_and_ends(
    lab: Lab, database: Database
) -> None:
    living = await _active(lab, database)
    ended = await living.ask("cancel-subscription", atPeriodEnd=True)
    assert ended.json()["subscription"]["cancelAtPeriodEnd"], ended.text
    assert ended.json()["subscription"]["nextRenewal"] is None
    again = await living.ask("reactivate-subscription")
    assert not again.json()["subscription"]["cancelAtPeriodEnd"], again.text
    changed = await living.ask("change-plan", plan="premium")
    assert changed.json()["subscription"]["plan"] == "premium", changed.text
    over = await living.ask("cancel-subscription", atPeriodEnd=False)
    assert over.json()["subscription"]["status"] == "canceled", over.text
    await living.arrive()
    assert len(await living.messages("subscription.inactive")) == 1
    assert await _acts(database) == [
        "subscription.cancel_at_period_end",
        "subscription.reactivate",
        "subscription.change_plan",
        "subscription.cancel_now",
    ]


async def test_a_user_reads_and_changes_their_own_alone(lab: Lab, database: Database) -> None:
    living, clock = await _active(lab, database), lab.sandbox.clock
    assert isinstance(clock, ManualClock)
    own, other = token_of(USER, clock), token_of("user_456", clock)
    answer = (await lab.api.call("GET", STATUS, own)).json()
    assert answer["subscription"]["subscriptionId"] == living.id
    assert (answer["plan"], len(answer["payments"])) == ("basic", 1)
    assert answer["nextRenewal"] == answer["subscription"]["currentPeriodEnd"]
    nothing: dict[str, Any] = {
        "subscription": None,
        "plan": None,
        "nextRenewal": None,
        "payments": [],
    }
    assert (await lab.api.call("GET", STATUS, other)).json() == nothing
    peeking = await lab.api.call("GET", f"{STATUS}?userId={USER}", other)
    assert _problem(peeking) == (403, "subscription_of_another")
    for act in ("cancel-subscription", "reactivate-subscription"):
        assert _problem(await living.ask(act, other)) == (404, "subscription_not_found")
    assert _problem(await living.ask("change-plan", other, plan="premium"))[0] == 404
    assert (await living.ask("cancel-subscription", PUBLISHABLE)).status_code == 403
    assert (await living.ask("cancel-subscription", own)).status_code == 200
    listed = await lab.api.call("GET", "/api/subscriptions", other)
    assert listed.json()["subscriptions"] == []


async def test_a_browser_s_subscription_in_a_user_s_name_is_not_the_user_s(
    lab: Lab, database: Database
) -> None:
    await _active(lab, database)
    await database["subscriptions"].update_many({}, {"$set": {"owner": "browser"}})
    clock = lab.sandbox.clock
    assert isinstance(clock, ManualClock)
    answer = await lab.api.call("GET", STATUS, token_of(USER, clock))
    assert answer.json()["subscription"] is None
    row = await database["subscriptions"].find_one({})
    assert row is not None
    older = {"_id": ObjectId(), "providerSubscriptionId": "sub_own", "owner": "trusted"}
    older["createdAt"] = row["createdAt"] - timedelta(days=1)
    await database["subscriptions"].insert_one(row | older)
    answer = await lab.api.call("GET", f"{STATUS}?userId={USER}")
    assert answer.json()["subscription"]["subscriptionId"] == "sub_own"


async def test_what_has_ended_is_changed_by_nobody(lab: Lab, database: Database) -> None:
    living = await _active(lab, database)
    await living.ask("cancel-subscription", atPeriodEnd=False)
    ended = (409, "subscription_ended")
    assert _problem(await living.ask("cancel-subscription", atPeriodEnd=False)) == ended
    assert _problem(await living.ask("reactivate-subscription")) == ended
    assert _problem(await living.ask("change-plan", plan="premium")) == ended


async def test_each_wrong_change_says_what_is_wrong(lab: Lab, database: Database) -> None:
    living = await _active(lab, database)
    assert _problem(await living.ask("change-plan", plan="basic")) == (409, "same_plan")
    assert _problem(await living.ask("change-plan", plan="gold")) == (400, "invalid_request")
    await put_price(lab.api, "premium", 2999, "EUR")
    other = await living.ask("change-plan", plan="premium")
    assert _problem(other) == (400, "currency_mismatch")
    nobody = await living.ask("cancel-subscription", subscriptionId="sub_nobodys")
    assert _problem(nobody) == (404, "subscription_not_found")
    assert _problem(await lab.api.call("GET", STATUS)) == (400, "invalid_request")


async def test_the_same_change_again_is_no_error_and_changes_nothing(
    lab: Lab, database: Database
) -> None:
    living = await _active(lab, database)
    first = await living.ask("cancel-subscription")
    second = await living.ask("cancel-subscription")
    assert (first.status_code, second.status_code) == (200, 200)
    assert len(await _acts(database)) == 1
    keyed = {"Idempotency-Key": "k" * 30}
    path, body = "/api/payment/reactivate-subscription", {"subscriptionId": living.id}
    answers = [await lab.api.call("POST", path, SECRET, json=body, headers=keyed) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotent-replayed"] == "true"


async def _both(lab: Lab, living: Living) -> list[int]:
    """Change a plan twice at once; return how the two were answered, and what it costs."""
    asked = [living.ask("change-plan", plan="premium") for _ in range(2)]
    return sorted(answer.status_code for answer in await asyncio.gather(*asked))


async def test_of_two_changes_at_once_one_is_made(lab: Lab, database: Database) -> None:
    living = await _active(lab, database)
    assert await _both(lab, living) == [200, 409]
    assert await _acts(database) == ["subscription.change_plan"]
    assert (await living.row())["changing"] is None


async def test_control_without_the_claim_both_are_asked_for(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def take(subscription: Any, changing: Any, fields: Any, now: Any, tx: Any) -> Any:
        return await repository.change(subscription, {**fields, "changing": changing}, None, tx)

    monkeypatch.setattr(repository, "begin_change", take)
    living = await _active(lab, database)
    await _both(lab, living)
    assert len(await _acts(database)) == 2


async def test_an_answer_that_is_lost_is_read_by_the_message(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    living = await _active(lab, database)
    real = StripeProvider.cancel_subscription

    async def lost(self: StripeProvider, subscription_id: str, *, at_period_end: bool) -> None:
        await real(self, subscription_id, at_period_end=at_period_end)
        raise ProviderUnreachable("Stripe did not answer in time.")

    monkeypatch.setattr(StripeProvider, "cancel_subscription", lost)
    answer = await living.ask("cancel-subscription")
    assert _problem(answer)[1] == "provider_unreachable"
    row = await living.row()
    assert (row["cancelAtPeriodEnd"], row["unread"], row["changing"]) == (False, True, None)
    await living.try_again()
    row = await living.row()
    assert (row["cancelAtPeriodEnd"], row["unread"]) == (True, False)


async def test_before_it_was_read_nothing_is_changed(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    living = await begun(lab, database)
    await lab.deliver_all()

    async def down(self: StripeProvider, subscription_id: str, read: int) -> VerifiedEvent:
        raise ProviderUnreachable("Stripe can't be reached.")

    with monkeypatch.context() as patched:
        patched.setattr(StripeProvider, "read_subscription", down)
        await database["subscriptions"].update_many({}, {"$set": {"unread": True}})
        answer = await living.ask("cancel-subscription")
        assert _problem(answer)[1] == "provider_unreachable"
    assert await _acts(database) == []


async def test_what_was_verified_says_the_subscription_that_it_began(
    lab: Lab, database: Database
) -> None:
    living = await begun(lab, database)
    body = {"sessionId": living.session_id}
    answer = await lab.api.call("POST", "/api/payment/verify-checkout-session", json=body)
    assert answer.json()["paid"], answer.text
    said = answer.json()["subscription"]
    assert (said["subscriptionId"], said["status"], said["plan"]) == (living.id, "active", "basic")


async def test_a_process_that_died_after_its_claim_leaves_a_message_that_reads(
    lab: Lab, database: Database
) -> None:
    living = await _active(lab, database)
    known = await repository.find("stripe", "default", living.id, NO_TRANSACTION)
    assert known is not None
    by, now = Principal(Kind.SECRET, "default", "0" * 12), lab.sandbox.clock.now()
    change = Change("cancel_at_period_end")
    await in_transaction(partial(claim, found=known, change=change, by=by, now=now))
    await living.at_stripe(cancel_at_period_end="true")
    await database["sandbox_deliveries"].delete_many({})  # and its webhook is lost
    await living.arrive()
    assert _problem(await living.ask("change-plan", plan="premium")) == (409, "in_progress")
    assert isinstance(lab.sandbox.clock, ManualClock)
    lab.sandbox.clock.advance(timedelta(seconds=61))
    await living.try_again()
    row = await living.row()
    assert (row["cancelAtPeriodEnd"], row["unread"]) == (True, False)
    assert (await living.ask("change-plan", plan="premium")).status_code == 200
