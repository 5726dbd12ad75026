"""A renewal at Razorpay writes the ledger by whichever of its events, and pays no session."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from service.core.clock import ManualClock
from service.core.errors import ProviderUnreachable
from service.providers.base import VerifiedEvent
from service.providers.facts import Subject
from service.providers.razorpay import adapter
from service.providers.razorpay.adapter import RazorpayProvider
from service.storage.database import Database, Row
from tests.sandbox.lab import Lab
from tests.subscriptions.at_razorpay import Subscribed, begun_there, paid_there
from tests.subscriptions.living import USER
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening

_CHARGED, _CAPTURED = "subscription.charged", "payment.captured"


async def _kept(subscribed: Subscribed) -> list[Row]:
    """Return the payments, once all that waits was tried again; they must be the user's, and whole.

    The session is of the first alone: it knows the orders of no renewal, and nothing is in doubt.
    """
    clock = subscribed.lab.sandbox.clock
    assert isinstance(clock, ManualClock)
    clock.advance(timedelta(days=2))
    await subscribed.arrive()
    statuses = Counter(
        [row["status"] async for row in subscribed.database["webhook_events"].find({})]
    )
    assert not statuses.keys() & {"parked", "failed", "dead", "review"}, statuses
    session = await subscribed.database["sessions"].find_one({"sessionId": subscribed.session_id})
    assert session is not None
    assert (session["status"], session["review"]) == ("completed", None)
    # Of the attempt, its link, and the order of the first payment.
    assert len(session["checkoutIds"]) <= 3
    rows = await subscribed.database["payments"].find({}).sort("createdAt", 1).to_list()
    whose = {(row["sessionId"], row["userId"], row["providerSubscriptionId"]) for row in rows}
    assert whose == {(subscribed.session_id, USER, subscribed.id)}
    linked = (await subscribed.row())["paymentIds"]
    assert sorted(row["providerPaymentId"] for row in rows) == linked
    return rows


@pytest.mark.parametrize(
    "lost", [(), (_CHARGED,), (_CAPTURED,)], ids=["both", "captured-alone", "charged-alone"]
)
async def test_a_renewal_is_in_the_ledger_once_whichever_of_its_events_came(
    lab: Lab, database: Database, lost: tuple[str, ...]
) -> None:
    subscribed = await paid_there(lab, database)
    await subscribed.live(61)
    await subscribed.lose(*lost)
    await subscribed.arrive()
    rows = await _kept(subscribed)
    assert [row["status"] for row in rows] == ["succeeded"] * 3
    assert {row["amount"] for row in rows} == {79900}


async def test_control_without_its_invoice_a_renewal_waits_for_a_session_that_is_not_its_own(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(client: object, invoice_id: str) -> Subject | None:
        return None

    monkeypatch.setattr(adapter, "read_invoice", nothing)
    subscribed = await paid_there(lab, database)
    await subscribed.live(31)
    await subscribed.lose(_CHARGED)
    await subscribed.arrive()
    assert [row["status"] for row in await subscribed.events(_CAPTURED)][1:] == ["parked"]


async def test_control_as_a_payment_of_the_session_a_renewal_is_taken_for_a_second_one(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = adapter.read_invoice

    async def first(client: Any, invoice_id: str) -> Subject | None:
        learned = await real(client, invoice_id)
        if learned is None:
            return None
        return Subject(sent_ids=learned.sent_ids, merchant_id=learned.merchant_id)

    monkeypatch.setattr(adapter, "read_invoice", first)
    subscribed = await paid_there(lab, database)
    await subscribed.live(31)
    await subscribed.lose(_CHARGED)
    await subscribed.arrive()
    assert [row["status"] for row in await subscribed.events(_CAPTURED)][1:] == ["review"]


async def test_the_first_payment_completes_its_session_by_its_capture_alone(
    lab: Lab, database: Database
) -> None:
    subscribed = await begun_there(lab, database)
    await happen(await lab.checkout(subscribed.id), Happening.PAID, lab.sandbox)
    await subscribed.lose(_CHARGED, "subscription.activated")
    await subscribed.arrive()
    assert len(await _kept(subscribed)) == 1
    assert (await subscribed.row())["status"] == "active"


async def _asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of events about which Razorpay is asked from now on."""
    asked: list[str] = []
    real = RazorpayProvider.checkout_of

    async def counting(
        self: RazorpayProvider, event: VerifiedEvent, *, matched: bool
    ) -> Subject | None:
        asked.append(event.type)
        return await real(self, event, matched=matched)

    monkeypatch.setattr(RazorpayProvider, "checkout_of", counting)
    return asked


async def test_it_asks_nobody_about_a_renewal_that_its_subscription_has_named(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribed = await paid_there(lab, database)
    await subscribed.live(31)
    late = {"type": _CAPTURED, "status": "pending"}
    rows = await database["sandbox_deliveries"].find(late).to_list()
    await subscribed.lose(_CAPTURED)
    await subscribed.arrive()
    await database["sandbox_deliveries"].insert_many(rows)
    asked = await _asked(monkeypatch)
    await subscribed.arrive()
    assert asked == []
    assert len(await _kept(subscribed)) == 2
    # The control: one that nobody has named yet is asked about, once.
    await subscribed.live(61)
    await subscribed.lose(_CHARGED)
    await subscribed.arrive()
    assert asked == [_CAPTURED]


async def test_a_payment_that_no_session_has_claimed_waits_though_it_is_of_a_subscription(
    lab: Lab, database: Database
) -> None:
    """The first payment: its session may come yet, and is completed by it then."""
    subscribed = await begun_there(lab, database)
    await happen(await lab.checkout(subscribed.id), Happening.PAID, lab.sandbox)
    await subscribed.lose(_CAPTURED, "subscription.activated")
    session = await database["sessions"].find_one_and_delete({"sessionId": subscribed.session_id})
    assert session is not None
    await subscribed.arrive()
    assert [row["status"] for row in await subscribed.events(_CHARGED)] == ["parked"]
    await database["sessions"].insert_one(session)
    assert len(await _kept(subscribed)) == 1


async def test_while_razorpay_is_silent_a_renewal_waits_and_then_is_in_the_ledger(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribed = await paid_there(lab, database)
    await subscribed.live(31)
    await subscribed.lose(_CHARGED)

    async def silent(
        self: RazorpayProvider, event: VerifiedEvent, *, matched: bool
    ) -> Subject | None:
        raise ProviderUnreachable("Razorpay can't be reached.")

    with monkeypatch.context() as patched:
        patched.setattr(RazorpayProvider, "checkout_of", silent)
        await subscribed.arrive()
        [_, renewal] = await subscribed.events(_CAPTURED)
        assert renewal["status"] == "parked"
    assert len(await _kept(subscribed)) == 2


async def test_a_renewal_that_fails_is_an_attempt_of_the_user_and_moves_no_session(
    lab: Lab, database: Database
) -> None:
    subscribed = await paid_there(lab, database)
    before = await lab.api.read(subscribed.session_id)
    await subscribed.advance(31, declines=True)
    assert (await subscribed.row())["status"] == "past_due"
    [failed] = await database["payment_attempts"].find({}).to_list()
    assert (failed["userId"], failed["sessionId"]) == (USER, subscribed.session_id)
    assert failed["failureMessage"]
    after = await lab.api.read(subscribed.session_id)
    assert (after["status"], after["version"]) == (before["status"], before["version"])
