"""How often one customer is reminded, of whatever they began."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from service.recovery import repository
from service.recovery.documents import RecoveryPolicy
from service.storage.transaction import Transaction
from tests.intents.leaving import leave
from tests.notifications.mail.mailing import CUSTOMER
from tests.payments.history.rows import pay
from tests.recovery.leaving import AGREED, Leaving
from tests.recovery.test_reminding import _complete as complete
from tests.sessions.asking import put_price
from tests.support.api import PUBLISHABLE, SECRET

PLANS = [f"plan-{n}" for n in range(5)]


async def _hears_unless_paid(leaving: Leaving, session_id: str, paid: bool) -> None:
    assert (await leaving.remind()).reminded == (not paid)
    row = await leaving.recovery(session_id)
    assert row is not None
    assert row["status"] == ("paid" if paid else "waiting")


async def _leave_all(leaving: Leaving, **fields: Any) -> None:
    for plan in PLANS:
        await leaving.begin(plan=plan, **fields)
    await leaving.pass_time(minutes=1)


async def _days(leaving: Leaving, days: int) -> None:
    for _ in range(24 * days):
        await leaving.pass_time(hours=1)
        await leaving.remind()


async def test_who_left_five_checkouts_gets_three_mails_and_not_fifteen(leaving: Leaving) -> None:
    await _leave_all(leaving)
    await _days(leaving, 3)
    assert len(leaving.mails()) == 3


async def test_control_with_a_larger_limit_there_are_more(leaving: Leaving) -> None:
    await leaving.policy(heldOut=0, mostACustomer=30)
    await _leave_all(leaving)
    await _days(leaving, 2)
    assert len(leaving.mails()) > 3


async def test_two_mails_of_one_customer_are_six_hours_apart(leaving: Leaving) -> None:
    await leaving.policy(heldOut=0, mostACustomer=30)
    await _leave_all(leaving)
    await _days(leaving, 1)
    at = sorted(one["createdAt"] for one in await leaving.reminders())
    apart = [(later - sooner).total_seconds() for sooner, later in pairwise(at)]
    assert len(at) == 4
    assert min(apart) >= 6 * 3600


@pytest.mark.parametrize("same", ["user", "address", "neither"])
async def test_a_customer_is_who_has_the_user_id_or_the_address_in_common(
    leaving: Leaving, same: str
) -> None:
    """So nobody fills a mailbox with an account for each mail, however they write the address."""
    await leaving.policy(heldOut=0, mostACustomer=1)
    for n, address in enumerate((CUSTOMER, CUSTOMER.upper())):
        user = "one" if same == "user" else f"u{n}"
        email = address if same == "address" else f"{n}@customer.example"
        await leaving.begin(userId=user, email=email, plan=PLANS[n])
    await leaving.pass_time(hours=2)
    report = await leaving.remind()
    others = 0 if same == "neither" else 1
    assert (report.reminded, report.often) == (2 - others, others)


async def test_after_the_window_a_customer_is_reminded_again(leaving: Leaving) -> None:
    await leaving.policy(heldOut=0, mostACustomer=1, customerDays=2)
    await leaving.begin(plan="first")
    await leaving.pass_time(hours=2)
    assert (await leaving.remind()).reminded == 1
    for hours, reminded in ((40, 0), (10, 1)):
        leaving.shop.pass_time(hours=hours)
        await leaving.begin(plan=f"after-{hours}")
        await leaving.pass_time(hours=2)
        assert (await leaving.remind()).reminded == reminded


async def test_who_was_reminded_often_enough_is_not_by_hand_either(leaving: Leaving) -> None:
    await leaving.policy(heldOut=0, mostACustomer=1)
    first, other = [await leaving.begin(plan=plan) for plan in PLANS[:2]]
    await leaving.pass_time(hours=2)
    assert (await leaving.remind()).reminded == 1
    told = {one["sessionId"] for one in await leaving.reminders()}
    (rest,) = {first["sessionId"], other["sessionId"]} - told
    seen = (await leaving.shop.admin("GET", f"/recovery/{rest}/preview")).json()
    assert (seen["dueAt"], "as often as" in seen["why"]) == (None, True)
    refused = await leaving.shop.admin("POST", f"/recovery/{rest}/send")
    assert (refused.status_code, refused.json()["error"]) == (409, "reminder_refused")


Count = Callable[[RecoveryPolicy, datetime, Transaction], Awaitable[bool]]


async def _reminders_of_two_at_once(
    leaving: Leaving, monkeypatch: pytest.MonkeyPatch, count: Count
) -> int:
    """Send for two sessions of one customer by hand; both have looked before either writes."""
    await leaving.policy(heldOut=0, mostACustomer=1, quietFrom=13, quietUntil=20)
    sessions = [await leaving.begin(plan=plan) for plan in PLANS[:2]]
    await leaving.pass_time(hours=2)
    assert (await leaving.remind()).reminded == 0
    both, came = asyncio.Barrier(2), set[object]()

    async def after_both(policy: RecoveryPolicy, now: datetime, tx: Transaction) -> bool:
        if (task := asyncio.current_task()) not in came:
            came.add(task)
            await both.wait()
        return await count(policy, now, tx)

    monkeypatch.setattr(repository, "count_send", after_both)
    paths = [f"/recovery/{one['sessionId']}/send" for one in sessions]
    await asyncio.gather(*(leaving.shop.admin("POST", path) for path in paths))
    return len(await leaving.reminders())


async def test_two_at_once_do_not_pass_the_limit(
    leaving: Leaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = repository.count_send
    assert await _reminders_of_two_at_once(leaving, monkeypatch, count) == 1


async def test_control_if_they_did_not_write_the_same_row_they_would(
    leaving: Leaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def uncounted(_policy: RecoveryPolicy, _now: datetime, _tx: Transaction) -> bool:
        return True

    assert await _reminders_of_two_at_once(leaving, monkeypatch, uncounted) == 2


@pytest.mark.parametrize("paid", [True, False], ids=["paid", "control"])
async def test_who_paid_is_not_reminded_however_many_sessions_others_open_in_their_name(
    leaving: Leaving, paid: bool
) -> None:
    """A browser may name any user and any address: what it opens hides nothing."""
    shop = leaving.shop
    await put_price(shop.api, "event_456", 1000, "INR")
    sold = {"email": CUSTOMER, "metadata": AGREED, "userId": "u"}
    left = await shop.api.open(paymentMethod="upi", **sold)
    other = await shop.api.open(paymentMethod="stripe", **sold)
    if paid:
        await complete(leaving, other["sessionId"])
    shop.pass_time(minutes=1)
    body = {"userId": "u", "eventId": "event_456", "quantity": 1, "paymentMethod": "upi"}
    for _ in range(55):
        opened = await shop.api.call(
            "POST", "/api/payment-sessions", PUBLISHABLE, json=body | {"email": CUSTOMER}
        )
        assert opened.status_code == 201, opened.text
    await leaving.pass_time(minutes=31)
    await shop.clean_up()
    await leaving.pass_time(hours=1, minutes=1)
    await _hears_unless_paid(leaving, left["sessionId"], paid)


@pytest.mark.parametrize("by", [PUBLISHABLE, SECRET], ids=["browser", "control"])
async def test_only_what_the_customer_began_takes_the_place_of_what_they_left(
    leaving: Leaving, by: str
) -> None:
    """Or anybody could end all reminders of a customer."""
    shop = leaving.shop
    await put_price(shop.api, "event_456", 1000, "INR")
    left = await shop.api.open(paymentMethod="upi", email=CUSTOMER, metadata=AGREED, userId="u")
    shop.pass_time(minutes=1)
    body = {"userId": "u", "eventId": "event_456", "quantity": 1, "paymentMethod": "upi"}
    body |= {"amount": 1000, "currency": "INR"} if by is SECRET else {}
    opened = await shop.api.call("POST", "/api/payment-sessions", by, json=body)
    assert opened.status_code == 201, opened.text
    await leaving.pass_time(minutes=31)
    await shop.clean_up()
    await leaving.pass_time(hours=1, minutes=1)
    assert (await leaving.remind()).reminded == (by is PUBLISHABLE)
    row = await leaving.recovery(left["sessionId"])
    assert row is not None
    assert row["reminders"] == (by is PUBLISHABLE)


@pytest.mark.parametrize("paid", [True, False], ids=["paid", "control"])
async def test_failed_payments_in_a_customers_name_hide_none_that_came(
    leaving: Leaving, paid: bool
) -> None:
    """A renewal of the same plan has no session: only its payment tells. A browser names any user,
    and a card that is declined costs nothing."""
    session = await leaving.begin(provider="upi")
    shop = leaving.shop
    times = {"planId": "basic", "userId": "user_123", "createdAt": shop.clock.now()}
    if paid:
        await pay("pi_renewal", **times)
    for n in range(55):
        await pay(f"pi_{n}", **times | {"status": "failed"})
    await leaving.pass_time(hours=2)
    await _hears_unless_paid(leaving, session["sessionId"], paid)


@pytest.mark.parametrize("withdrawn", [True, False], ids=["withdrawn", "control"])
async def test_who_agreed_by_a_lead_that_was_deleted_is_not_reminded(
    leaving: Leaving, withdrawn: bool
) -> None:
    """Between the look at what was left, at night, and the reminder in the morning."""
    await leaving.policy(quietFrom=12, quietUntil=20)
    lead = await leave(leaving.shop.api, mailConsent=True, userEmail=CUSTOMER)
    await leaving.begin(metadata={}, intentId=lead["paymentIntentId"])
    await leaving.pass_time(hours=2)
    report = await leaving.remind()
    assert (report.left, report.reminded) == (1, 0)
    if withdrawn:
        await leaving.shop.database["payment_intents"].delete_many({})
    await leaving.pass_time(hours=7)
    assert (await leaving.remind()).reminded == (not withdrawn)


async def test_who_is_paying_when_looked_at_is_reminded_once_that_has_failed(
    leaving: Leaving,
) -> None:
    """What is under way is looked at again an hour later, whatever else speaks against a mail."""
    await leaving.policy(quietFrom=12, quietUntil=14)
    session = await leaving.begin()
    await leaving.pass_time(hours=1, minutes=1)
    assert (await leaving.run()).left == 1
    sessions, one = leaving.shop.database["sessions"], {"sessionId": session["sessionId"]}
    await sessions.update_one(one, {"$set": {"status": "processing"}})
    await leaving.pass_time(hours=1)
    report = await leaving.run()
    assert (report.due, report.reminded) == (1, 0)
    await sessions.update_one(one, {"$set": {"status": "pending"}})
    await leaving.pass_time(hours=1, minutes=1)
    assert (await leaving.run()).reminded == 1
