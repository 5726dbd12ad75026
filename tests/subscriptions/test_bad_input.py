"""What can't be done to a subscription: each says precisely what is wrong, and costs nothing."""

import asyncio
import json
from typing import Any

import pytest

from service.core.errors import ProviderFailed, ProviderUnreachable
from service.core.principal import Kind
from service.providers.base import VerifiedEvent
from service.providers.stripe.adapter import StripeProvider
from service.storage.database import Database
from tests.sandbox.lab import Lab
from tests.sessions.asking import key_of_another_merchant, put_price, token_of
from tests.subscriptions.living import Living, begun, emptied_of
from tests.support.api import PUBLISHABLE, SECRET
from tillgate_sandbox.stripe import billing


async def _active(lab: Lab, database: Database) -> Living:
    living = await begun(lab, database)
    await living.arrive()
    return living


async def _books(living: Living) -> dict[str, Any]:
    """Return what Stripe has of it: how it stands, what is owed for changes, each invoice."""
    life = billing.life_of(await living.lab.checkout(living.checkout_id))
    return {
        "status": life.status,
        "price": life.price,
        "ending": life.cancel_at_period_end,
        "owed": life.proration,
        "invoices": [(one.id, one.amount, one.status) for one in life.invoices],
    }


async def _refused(living: Living, act: str, key: str = SECRET, **body: Any) -> tuple[int, str]:
    """Ask for what can't be done, twice; nothing of it may reach Stripe's books or the trail."""
    books, trail = await _books(living), await _trail(living)
    answers = [await living.ask(act, key, **body) for _ in range(2)]
    assert await _books(living) == books
    assert await _trail(living) == trail
    found = {(one.status_code, one.json()["error"]) for one in answers}
    assert len(found) == 1, found
    assert len(answers[0].json()["detail"]) > 20
    return found.pop()


async def _trail(living: Living) -> int:
    wanted = {"action": {"$regex": "^subscription"}}
    return await living.database["audit_log"].count_documents(wanted)


async def test_nothing_is_done_to_what_has_ended(lab: Lab, database: Database) -> None:
    living = await _active(lab, database)
    assert (await living.ask("cancel-subscription", atPeriodEnd=False)).status_code == 200
    ended = (409, "subscription_ended")
    assert await _refused(living, "cancel-subscription", atPeriodEnd=False) == ended
    assert await _refused(living, "cancel-subscription", atPeriodEnd=True) == ended
    assert await _refused(living, "reactivate-subscription") == ended
    assert await _refused(living, "change-plan", plan="premium") == ended


async def test_nothing_is_done_to_what_ended_at_its_provider_unheard(
    lab: Lab, database: Database
) -> None:
    """The row says active: Stripe refuses, is read, and the answer says that it has ended."""
    living = await _active(lab, database)
    await living.at_stripe("DELETE")
    await database["sandbox_deliveries"].delete_many({})
    answers = [await living.ask("cancel-subscription") for _ in range(2)]
    assert [one.json()["error"] for one in answers] == ["subscription_ended"] * 2
    assert (await living.row())["status"] == "canceled"


async def test_the_same_plan_another_currency_and_no_plan_of_ours_are_refused(
    lab: Lab, database: Database
) -> None:
    living = await _active(lab, database)
    assert await _refused(living, "change-plan", plan="basic") == (409, "same_plan")
    assert await _refused(living, "change-plan", plan="gold") == (400, "invalid_request")
    assert await _refused(living, "change-plan", plan="") == (400, "invalid_request")
    assert await _refused(living, "change-plan") == (400, "invalid_request")
    await put_price(lab.api, "premium", 2999, "EUR")
    assert await _refused(living, "change-plan", plan="premium") == (400, "currency_mismatch")
    await put_price(lab.api, "premium", 2999, "USD")  # the control
    assert (await living.ask("change-plan", plan="premium")).status_code == 200


async def test_nobody_changes_what_is_another_s(lab: Lab, database: Database) -> None:
    living, clock = await _active(lab, database), lab.sandbox.clock
    unknown, closed = (404, "subscription_not_found"), (403, "forbidden")
    other: Any = clock
    keys = {
        token_of("user_456", other): unknown,
        await key_of_another_merchant(clock): unknown,
        await key_of_another_merchant(clock, Kind.ADMIN): unknown,
        PUBLISHABLE: closed,
    }
    acts: dict[str, dict[str, Any]] = {
        "cancel-subscription": {"atPeriodEnd": False},
        "reactivate-subscription": {},
        "change-plan": {"plan": "premium"},
    }
    for key, problem in keys.items():
        for act, body in acts.items():
            assert await _refused(living, act, key, **body) == problem, (act, problem)


async def _change_twice(living: Living) -> None:
    asked = [living.ask("change-plan", plan="premium") for _ in range(2)]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*asked))
    assert statuses == [200, 409]


async def _charged_once(living: Living) -> None:
    """Hold the change of plan to be owed once, and charged once with the next renewal."""
    owed = (await _books(living))["owed"]
    assert 1900 < owed <= 2000  # what is left of the period, of the difference
    await living.pass_days(31)
    assert [amount for _, amount, _ in (await _books(living))["invoices"]] == [999, 2999 + owed]


async def test_two_changes_at_once_cost_what_one_does(lab: Lab, database: Database) -> None:
    living = await _active(lab, database)
    await _change_twice(living)
    await living.ask("change-plan", plan="premium")  # and once more, too late
    await _charged_once(living)


async def test_opposite_changes_at_once_leave_one_of_them_and_it_is_read(
    lab: Lab, database: Database
) -> None:
    living = await _active(lab, database)
    both = await asyncio.gather(
        living.ask("change-plan", plan="premium"), living.ask("cancel-subscription")
    )
    assert sorted(one.status_code for one in both) == [200, 409]
    [refused] = [one.json() for one in both if one.status_code == 409]
    assert refused["error"] == "in_progress"
    books, row = await _books(living), await living.row()
    assert (row["cancelAtPeriodEnd"], row["providerPlanId"]) == (books["ending"], books["price"])
    assert not row["unread"]


@pytest.mark.parametrize("sure", [True, False])
async def test_a_change_whose_answer_is_lost_is_charged_once_though_it_is_sent_again(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch, sure: bool
) -> None:
    """`sure`: Stripe seems to have refused it, so it is read at once and was made all the same."""
    living = await _active(lab, database)
    real = StripeProvider.change_plan

    async def lost(self: StripeProvider, *given: str) -> None:
        await real(self, *given)
        raise ProviderFailed("No.") if sure else ProviderUnreachable("Stripe did not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(StripeProvider, "change_plan", lost)
        first = await living.ask("change-plan", plan="premium")
    assert first.status_code == (200 if sure else 504), first.text
    again = await living.ask("change-plan", plan="premium")
    assert (again.status_code, again.json()["error"]) == (409, "same_plan")
    await _charged_once(living)


async def test_a_cancellation_that_seems_refused_and_was_made_is_no_error(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    living = await _active(lab, database)
    real = StripeProvider.cancel_subscription

    async def lost(self: StripeProvider, subscription_id: str, *, at_period_end: bool) -> None:
        await real(self, subscription_id, at_period_end=at_period_end)
        raise ProviderFailed("No.")

    with monkeypatch.context() as patched:
        patched.setattr(StripeProvider, "cancel_subscription", lost)
        over = await living.ask("cancel-subscription", atPeriodEnd=False)
    assert (over.status_code, over.json()["subscription"]["status"]) == (200, "canceled"), over.text


async def test_an_event_about_one_never_seen_is_kept_and_joined_once_its_session_is_named(
    lab: Lab, database: Database
) -> None:
    living = await begun(lab, database)
    await living.pay_with("pm_card_visa")  # customer.subscription.updated
    await emptied_of(database)
    session = await database["sessions"].find_one_and_delete({"sessionId": living.session_id})
    assert session is not None
    await living.at_stripe(default_payment_method="pm_card_visa")
    await living.arrive()
    row = await living.row()
    assert (row["status"], row["sessionId"], row["userId"]) == ("active", None, None)
    assert (await lab.api.call("GET", "/api/subscriptions")).json()["subscriptions"]
    await database["sessions"].insert_one(session)
    await living.at_stripe(default_payment_method="pm_card_visa")
    await living.arrive()
    row = await living.row()
    assert (row["sessionId"], row["userId"]) == (living.session_id, "user_123")


async def test_an_event_about_one_that_its_provider_does_not_know_waits_and_stops_nobody(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    living = await _active(lab, database)

    async def unknown(self: StripeProvider, subscription_id: str, read: int) -> VerifiedEvent:
        raise ProviderFailed("No such subscription.")

    with monkeypatch.context() as patched:
        patched.setattr(StripeProvider, "read_subscription", unknown)
        await living.pay_with("pm_card_visa")
        row = await living.row()
        assert (row["status"], row["unread"], row["inactiveSince"]) == ("active", True, None)
    assert await living.messages("subscription.inactive") == []
    await living.try_again()
    assert not (await living.row())["unread"]


@pytest.mark.parametrize("body", [{}, {"subscriptionId": ""}, {"subscriptionId": 7}])
@pytest.mark.parametrize("act", ["cancel-subscription", "reactivate-subscription", "change-plan"])
async def test_a_change_that_names_no_subscription_names_the_field(
    lab: Lab, act: str, body: dict[str, Any]
) -> None:
    sent = body | ({"plan": "premium"} if act == "change-plan" else {})
    answer = await lab.api.call("POST", f"/api/payment/{act}", json=sent)
    assert answer.status_code == 400, answer.text
    assert "subscriptionId" in json.dumps(answer.json()["errors"])
