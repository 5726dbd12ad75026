"""What a provider refuses or does not answer is told as such, and leaves nothing half done."""

import asyncio
import math
from contextlib import nullcontext
from typing import Any

import pytest

from service.core.batches import Until
from service.core.clock import ManualClock
from service.core.errors import NotOffered, ProviderFailed
from service.core.principal import Kind, Principal
from service.jobs.operations.job import Turn
from service.outbox.documents import Delivery, OutboxMessage
from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.errors import SubscriptionNotRead
from service.payments.subscriptions.operations.changes import Change, claim, is_made
from service.payments.subscriptions.operations.hint import READ
from service.payments.subscriptions.sending import change as changing
from service.payments.subscriptions.sending import read as reading
from service.payments.subscriptions.sending.read import (
    SubscriptionsReport,
    read_by_message,
    read_overdue,
)
from service.providers.base import VerifiedEvent
from service.providers.stripe.adapter import StripeProvider
from service.storage.database import Database
from service.storage.plain import in_transaction
from tests.sandbox.lab import Lab
from tests.sessions.asking import token_of
from tests.subscriptions.living import USER, Living, begun
from tests.support.limits import genuine

STATUS = f"/api/payment/subscription-status?userId={USER}"
OPERATOR = Principal(Kind.ADMIN, "default", key_id="0123456789ab", name="ops")
ACTS: dict[str, tuple[str, dict[str, Any]]] = {
    "cancel_subscription": ("cancel-subscription", {"atPeriodEnd": True}),
    "reactivate_subscription": ("reactivate-subscription", {}),
    "change_plan": ("change-plan", {"plan": "premium"}),
}


async def _active(lab: Lab, database: Database) -> Living:
    living = await begun(lab, database)
    await living.arrive()
    return living


async def _audited(database: Database) -> int:
    return await database["audit_log"].count_documents({"action": {"$regex": "^subscription"}})


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ProviderFailed("No."), 409, "change_refused"),
        (NotOffered("It has no such thing."), 409, "change_not_offered"),
    ],
)
@pytest.mark.parametrize("call", sorted(ACTS))
async def test_what_a_provider_refuses_is_refused_changes_nothing_and_holds_nobody_up(
    lab: Lab,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    error: Exception,
    status: int,
    code: str,
) -> None:
    async def refuses(self: StripeProvider, *_: object, **__: object) -> None:
        raise error

    living = await _active(lab, database)
    act, body = ACTS[call]
    if call == "reactivate_subscription":
        await living.ask("cancel-subscription", atPeriodEnd=True)
    before = await living.row()
    with monkeypatch.context() as patched:
        patched.setattr(StripeProvider, call, refuses)
        answer = await living.ask(act, **body)
    assert (answer.status_code, answer.json()["error"]) == (status, code), answer.text
    row = await living.row()
    for name in ("plan", "cancelAtPeriodEnd", "status"):
        assert row[name] == before[name]
    assert (await living.ask(act, **body)).status_code == 200  # the control, and nobody holds it


async def test_before_the_first_reading_nobody_can_tell_whether_a_change_is_made(
    lab: Lab, database: Database
) -> None:
    row = await (await _active(lab, database)).row()
    for what in ("cancel_now", "cancel_at_period_end", "reactivate", "change_plan"):
        unread = Subscription.model_validate(row | {"status": None})
        with pytest.raises(SubscriptionNotRead, match=row["providerSubscriptionId"]):
            is_made(unread, Change(what, "premium"))


async def test_a_change_that_another_has_made_meanwhile_is_not_made_and_audited_again(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first has read that it goes on, when the second has it end with its period."""
    living, real = await _active(lab, database), reading.read

    async def late(*given: Any) -> Subscription:
        found = await real(*given)
        monkeypatch.setattr(changing, "read", real)
        assert (await living.ask("cancel-subscription")).status_code == 200
        return found

    monkeypatch.setattr(changing, "read", late)
    answer = await living.ask("cancel-subscription")
    assert answer.status_code == 200, answer.text
    assert answer.json()["subscription"]["cancelAtPeriodEnd"]
    assert await _audited(database) == 1


async def test_what_is_made_already_is_claimed_by_nobody(lab: Lab, database: Database) -> None:
    living = await _active(lab, database)
    found, now = Subscription.model_validate(await living.row()), lab.sandbox.clock.now()
    assert (
        await in_transaction(lambda tx: claim(tx, found, Change("reactivate"), OPERATOR, now))
        is None
    )
    assert (await living.row())["changing"] is None
    ends = Change("cancel_at_period_end")
    assert await in_transaction(lambda tx: claim(tx, found, ends, OPERATOR, now)) is not None


@pytest.mark.parametrize(
    ("fields", "says"),
    [({"provider": "phonepe"}, "phonepe is not set up here"), ({"live": True}, "other mode")],
)
async def test_what_can_not_be_asked_of_its_provider_is_told_as_it_is_known_and_not_changed(
    lab: Lab, database: Database, fields: dict[str, Any], says: str
) -> None:
    living = await _active(lab, database)
    asked = (await living.row())["asked"]
    await database["subscriptions"].update_one({}, {"$set": {"unread": True} | fields})
    told = await lab.api.call("GET", STATUS)
    assert (told.status_code, told.json()["subscription"]["status"]) == (200, "active"), told.text
    assert (await living.row())["asked"] == asked
    answer = await living.ask("cancel-subscription")
    assert answer.status_code == 502, answer.text
    assert says in answer.json()["detail"]
    assert await _audited(database) == 0


async def test_whoever_waits_is_told_what_is_known_where_the_provider_hangs(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(self: StripeProvider, *_: object) -> VerifiedEvent:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    assert genuine(reading, "ASK_WITHIN_S") == 2
    living = await _active(lab, database)
    await database["subscriptions"].update_one({}, {"$set": {"unread": True}})
    monkeypatch.setattr(reading, "ASK_WITHIN_S", 0.01)
    with monkeypatch.context() as patched:
        patched.setattr(StripeProvider, "read_subscription", hangs)
        told = (await lab.api.call("GET", STATUS)).json()["subscription"]
    assert (told["status"], told["unread"]) == ("active", True)
    assert (await living.row())["unread"]


@pytest.mark.parametrize(("is_there", "asked"), [(False, 0), (True, 1)])
async def test_a_message_about_one_that_is_not_there_asks_nobody(
    lab: Lab, database: Database, is_there: bool, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    living, asking = await _active(lab, database), []

    async def counted(self: StripeProvider, subscription_id: str, read: int) -> VerifiedEvent:
        asking.append(subscription_id)
        raise ProviderFailed("No.")

    await database["subscriptions"].update_one({}, {"$set": {"unread": True}})
    told = (await living.messages(READ))[0]
    delivery = await database["deliveries"].find_one({"messageId": told["_id"]})
    if not is_there:
        await database["subscriptions"].delete_many({})
    monkeypatch.setattr(StripeProvider, "read_subscription", counted)
    with nullcontext() if not is_there else pytest.raises(ProviderFailed):
        await read_by_message(
            Delivery.model_validate(delivery),
            OutboxMessage.model_validate(told),
            services=lab.api.container.subscribing,
        )
    assert len(asking) == asked


@pytest.mark.parametrize(("left_s", "read"), [(-math.inf, 0), (math.inf, 1)])
async def test_a_job_whose_time_is_over_begins_no_further_reading(
    lab: Lab, database: Database, left_s: float, read: int
) -> None:
    await _active(lab, database)
    await database["subscriptions"].update_one(
        {}, {"$set": {"unread": True, "unreadSince": lab.sandbox.clock.now() - reading.UNREAD_FOR}}
    )
    report = SubscriptionsReport("subscriptions")
    await read_overdue(lab.api.container.subscribing, report, Turn(Until(left_s)))
    assert (report.unread, report.read) == (read, read)


async def test_one_is_read_by_its_id_with_its_payments_by_its_user_alone(
    lab: Lab, database: Database
) -> None:
    living, clock = await _active(lab, database), lab.sandbox.clock
    assert isinstance(clock, ManualClock)
    own, other = token_of(USER, clock), token_of("user_456", clock)
    path = f"/api/subscriptions/{living.id}"
    answers = [await lab.api.call("GET", path, key) for key in (own, other)]
    assert [one.status_code for one in answers] == [200, 404]
    shown = answers[0].json()
    assert (shown["subscription"]["subscriptionId"], len(shown["payments"])) == (living.id, 1)
    peeking = await lab.api.call("GET", f"/api/subscriptions?userId={USER}", other)
    assert (peeking.status_code, peeking.json()["error"]) == (403, "subscription_of_another")
    mine = await lab.api.call("GET", f"/api/subscriptions?userId={USER}", own)
    assert len(mine.json()["subscriptions"]) == 1
