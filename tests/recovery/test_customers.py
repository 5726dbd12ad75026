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
from tests.notifications.mail.mailing import CUSTOMER
from tests.recovery.leaving import AGREED, Leaving
from tests.recovery.test_reminding import _complete as complete
from tests.sessions.asking import put_price
from tests.support.api import PUBLISHABLE

PLANS = [f"plan-{n}" for n in range(5)]


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
    assert (await leaving.remind()).reminded == (not paid)
    row = await leaving.recovery(left["sessionId"])
    assert row is not None
    assert row["status"] == ("paid" if paid else "waiting")
