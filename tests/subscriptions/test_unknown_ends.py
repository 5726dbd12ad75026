"""What nobody was told of a subscription is read before anything is said or decided about it."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from service.core.clock import ManualClock
from service.core.errors import ProviderUnreachable
from service.core.principal import Kind, Principal
from service.payments.subscriptions import repository
from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.operations import changes
from service.payments.subscriptions.operations.changes import Change, claim
from service.payments.subscriptions.operations.hint import have_read
from service.payments.subscriptions.sending import change
from service.payments.subscriptions.sending import read as reading
from service.providers.stripe.adapter import StripeProvider
from service.storage.database import Database
from service.storage.plain import NO_TRANSACTION, in_transaction
from tests.sandbox.lab import Lab
from tests.subscriptions.living import USER, Living, begun, found
from tests.support.events import stripe_event


async def _active(lab: Lab, database: Database) -> Living:
    living = await begun(lab, database)
    await living.arrive()
    return living


async def _known(living: Living) -> Subscription:
    known = await repository.find("stripe", "default", living.id, NO_TRANSACTION)
    assert known is not None
    return known


async def _claimed(lab: Lab, living: Living) -> Subscription:
    """Claim it as a process does before it asks the provider."""
    by, now = Principal(Kind.SECRET, "default", "0" * 12), lab.sandbox.clock.now()
    wanted = Change("cancel_at_period_end")
    work = partial(claim, found=await _known(living), change=wanted, by=by, now=now)
    claimed = await in_transaction(work)
    assert claimed is not None
    return claimed


async def _look(lab: Lab) -> None:
    """Ask how it stands: it is read then, if that is due."""
    path = f"/api/payment/subscription-status?userId={USER}"
    assert (await lab.api.call("GET", path)).status_code == 200


async def _changed_in_silence(living: Living, **fields: str) -> None:
    """Change it at Stripe, and lose what tells of that."""
    await living.at_stripe(**fields)
    await living.database["sandbox_deliveries"].delete_many({})


async def _after_a_minute(lab: Lab, living: Living) -> bool:
    """Return whether it is known then that it ends with its period."""
    assert isinstance(lab.sandbox.clock, ManualClock)
    lab.sandbox.clock.advance(timedelta(seconds=61))
    await living.try_again()
    return bool((await living.row())["cancelAtPeriodEnd"])


async def _died(lab: Lab, database: Database, *, ended: bool = False) -> bool:
    """Let a process die with Stripe asked, after somebody else has looked at the subscription."""
    living = await _active(lab, database)
    claimed = await _claimed(lab, living)
    await _look(lab)
    assert not (await living.row())["unread"]
    await _changed_in_silence(living, cancel_at_period_end="true")
    if ended:
        assert claimed.changing is not None
        await repository.end_change(claimed, claimed.changing.id, None)
    return await _after_a_minute(lab, living)


async def test_what_a_process_asked_for_before_it_died_is_read_though_it_was_read_meanwhile(
    lab: Lab, database: Database
) -> None:
    assert await _died(lab, database)


async def test_control_once_a_change_has_ended_nobody_reads_it(
    lab: Lab, database: Database
) -> None:
    assert not await _died(lab, database, ended=True)


async def _hinted_before(lab: Lab, database: Database) -> bool:
    """Claim it while the message of a hint waits, which is delivered before Stripe is asked."""
    living = await _active(lab, database)
    now = int(lab.sandbox.clock.now().timestamp())
    kind, told = "customer.subscription.updated", found(living.id, "active")
    await lab.api.told(stripe_event(kind, told, created=now, signed_at=now))
    await _claimed(lab, living)
    await living.arrive()
    await _changed_in_silence(living, cancel_at_period_end="true")
    return await _after_a_minute(lab, living)


async def test_the_message_of_a_change_is_not_that_of_a_hint_before_it(
    lab: Lab, database: Database
) -> None:
    assert await _hinted_before(lab, database)


async def test_control_one_message_for_both_comes_too_early(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def for_both(tx: Any, subscription: Any, now: Any, _: Any) -> None:
        await have_read(tx, subscription, now)

    monkeypatch.setattr(changes, "have_read", for_both)
    assert not await _hinted_before(lab, database)


async def _lost(lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Lose Stripe's answer, and its event, after somebody has looked at the subscription."""
    living, real = await _active(lab, database), StripeProvider.cancel_subscription

    async def lost(self: StripeProvider, subscription_id: str, *, at_period_end: bool) -> None:
        await _look(lab)
        await real(self, subscription_id, at_period_end=at_period_end)
        await database["sandbox_deliveries"].delete_many({})
        raise ProviderUnreachable("Stripe did not answer in time.")

    monkeypatch.setattr(StripeProvider, "cancel_subscription", lost)
    answer = await living.ask("cancel-subscription")
    assert answer.json()["error"] == "provider_unreachable"
    return await _after_a_minute(lab, living)


async def test_a_change_whose_answer_was_lost_is_read_though_it_was_read_meanwhile(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _lost(lab, database, monkeypatch)


async def test_control_a_change_that_ends_as_if_it_were_known_is_not(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = repository.end_change

    async def as_known(subscription: Subscription, change_id: str, _: Any) -> None:
        await real(subscription, change_id, None)

    monkeypatch.setattr(repository, "end_change", as_known)
    assert not await _lost(lab, database, monkeypatch)


async def _ends_after_all(lab: Lab, database: Database) -> bool:
    """Cancel it again after it was let go on at Stripe; return whether it ends there."""
    living = await _active(lab, database)
    await living.ask("cancel-subscription")
    await living.arrive()
    await _changed_in_silence(living, cancel_at_period_end="false")
    answer = await living.ask("cancel-subscription")
    assert answer.json()["subscription"]["cancelAtPeriodEnd"], answer.text
    return bool((await living.at_stripe("GET"))["cancel_at_period_end"])


async def test_nobody_is_told_that_it_ends_already_unless_stripe_says_so_now(
    lab: Lab, database: Database
) -> None:
    assert await _ends_after_all(lab, database)


async def test_control_by_what_was_read_before_it_goes_on_all_the_same(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = reading.read

    async def once(subscription: Subscription, *given: Any) -> Subscription:
        due = subscription.changing is not None
        return await real(subscription, *given) if due else subscription

    monkeypatch.setattr(change, "read", once)
    assert not await _ends_after_all(lab, database)
