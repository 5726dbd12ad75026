"""Who is reminded, by which mail, and how often."""

import asyncio
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.notifications.mail.sending.send import send_due
from tests.intents.leaving import leave
from tests.notifications.mail.mailing import CUSTOMER
from tests.recovery.leaving import AGREED, INR, Leaving
from tests.sessions.asking import put_price, token_of
from tests.support.api import PUBLISHABLE


async def test_who_left_for_an_hour_gets_a_mail_with_a_link_and_a_way_out(
    leaving: Leaving,
) -> None:
    session = await leaving.begin()
    await leaving.pass_time(minutes=59)
    assert (await leaving.remind()).reminded == 0
    await leaving.pass_time(minutes=2)
    report = await leaving.remind()
    assert (report.left, report.reminded) == (1, 1)
    (mail,) = leaving.mails()
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "You began to pay INR\xa0500.00" in text
    assert re.search(r"Go on to the payment: http://\S+/resume\?t=", text)
    assert "/mail/unsubscribe" in str(mail["List-Unsubscribe"])
    (told,) = await leaving.reminders()
    assert told["sessionId"] == session["sessionId"]
    assert told["payload"]["number"] == 1
    assert CUSTOMER not in str(told)


async def test_three_times_and_not_once_more(leaving: Leaving) -> None:
    session = await leaving.begin()
    await leaving.pass_time(minutes=1)
    for _ in range(60):
        await leaving.pass_time(hours=1)
        await leaving.remind()
    assert len(leaving.mails()) == 3
    found = await leaving.recovery(session["sessionId"])
    assert found is not None
    at = [one["createdAt"] - found["leftAt"] for one in await leaving.reminders()]
    assert at == [timedelta(hours=hours, minutes=1) for hours in (1, 7, 23)]


async def test_what_expired_is_reminded_of_an_hour_after(leaving: Leaving) -> None:
    session = await leaving.shop.api.open(paymentMethod="upi", metadata=AGREED, email=CUSTOMER)
    await leaving.pass_time(minutes=31)
    await leaving.shop.clean_up()
    await leaving.pass_time(minutes=58)
    assert (await leaving.remind()).reminded == 0
    await leaving.pass_time(minutes=3)
    assert (await leaving.remind()).reminded == 1
    assert (await leaving.shop.session(session["sessionId"]))["status"] == "expired"


async def test_what_expired_longer_than_a_day_ago_is_left_alone(leaving: Leaving) -> None:
    await leaving.shop.api.open(paymentMethod="upi", metadata=AGREED, email=CUSTOMER)
    await leaving.pass_time(minutes=31)
    await leaving.shop.clean_up()
    await leaving.pass_time(hours=25)
    report = await leaving.remind()
    assert (report.left, report.reminded) == (0, 0)


@pytest.mark.parametrize(
    "metadata", [{}, {"mailConsent": False}, {"mailConsent": "true"}, {"mailConsent": 1}]
)
async def test_without_consent_nobody_is_written_to(
    leaving: Leaving, metadata: dict[str, Any]
) -> None:
    await leaving.begin(metadata=metadata)
    await leaving.pass_time(hours=2)
    report = await leaving.remind()
    assert (report.left, report.reminded, leaving.mails()) == (0, 0, [])


@pytest.mark.parametrize(
    ("lead", "more", "reminded"),
    [
        ({"mailConsent": True, "userEmail": CUSTOMER.upper()}, {}, 1),
        ({"mailConsent": True, "userEmail": "eve@else.example"}, {}, 0),
        ({"mailConsent": False, "userEmail": CUSTOMER}, {}, 0),
        ({"userEmail": CUSTOMER}, {}, 0),
        ({"mailConsent": True, "userEmail": CUSTOMER}, {"mailConsent": False}, 0),
    ],
)
async def test_the_lead_agrees_for_its_own_address_alone(
    leaving: Leaving, lead: dict[str, Any], more: dict[str, Any], reminded: int
) -> None:
    left = await leave(leaving.shop.api, **lead)
    await leaving.begin(metadata=more, intentId=left["paymentIntentId"])
    await leaving.pass_time(hours=2)
    assert (await leaving.remind()).reminded == reminded


async def test_who_is_named_by_a_browser_alone_is_not_written_to(leaving: Leaving) -> None:
    """Anybody may name any address, and leave as often as they like."""
    await put_price(leaving.shop.api, "event_456", 1000, "INR")
    body = {"userId": "u", "eventId": "event_456", "quantity": 1, "paymentMethod": "upi"}
    body |= {"metadata": AGREED, "email": CUSTOMER}
    opened = await leaving.shop.api.call("POST", "/api/payment-sessions", PUBLISHABLE, json=body)
    assert opened.status_code == 201, opened.text
    await leaving.pass_time(hours=2)
    assert (await leaving.remind()).left == 0


@pytest.mark.parametrize(
    ("claims", "reminded"),
    [
        ({}, 0),
        ({"email": CUSTOMER}, 0),
        ({"email": CUSTOMER, "email_verified": False}, 0),
        ({"email": CUSTOMER, "email_verified": "true"}, 0),
        ({"email": "eve@else.example", "email_verified": True}, 0),
        ({"email": CUSTOMER.upper(), "email_verified": True}, 1),
    ],
)
async def test_a_user_is_written_to_at_the_address_alone_that_their_token_has_verified(
    leaving: Leaving, claims: dict[str, Any], reminded: int
) -> None:
    """Or a user could have any stranger reminded, by naming their address and agreeing for them."""
    await put_price(leaving.shop.api, "event_456", 1000, "INR")
    token = token_of("u", leaving.shop.clock, **claims)
    body = {"userId": "u", "eventId": "event_456", "quantity": 1, "paymentMethod": "upi"}
    body |= {"metadata": AGREED, "email": CUSTOMER}
    opened = await leaving.shop.api.call("POST", "/api/payment-sessions", token, json=body)
    assert opened.status_code == 201, opened.text
    await leaving.pass_time(hours=2)
    assert (await leaving.remind()).reminded == reminded
    assert len(leaving.mails()) == reminded


async def _complete(leaving: Leaving, session_id: str) -> None:
    body = {"sessionId": session_id, "status": "completed", "reason": "seen at the bank"}
    answer = await leaving.shop.api.call("PATCH", "/api/payment-sessions", json=body)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("first", [True, False])
async def test_who_paid_for_the_same_by_another_way_is_not_reminded(
    leaving: Leaving, *, first: bool
) -> None:
    """Whichever of the two was begun first."""
    one = await leaving.begin()
    leaving.shop.pass_time(minutes=1)
    other = await leaving.begin(provider="stripe")
    left, paid = (other, one) if first else (one, other)
    leaving.shop.pass_time(minutes=5)
    await _complete(leaving, paid["sessionId"])
    await leaving.pass_time(hours=2)
    assert (await leaving.remind()).reminded == 0
    found = await leaving.recovery(left["sessionId"])
    assert found is not None
    assert (found["status"], found["via"]) == ("paid", "other")
    assert len(found["paidBy"]) == 1


async def test_control_who_paid_for_something_else_is_reminded(leaving: Leaving) -> None:
    await leaving.begin()
    other = await leaving.begin(plan="premium")
    await _complete(leaving, other["sessionId"])
    await leaving.pass_time(hours=2)
    assert (await leaving.remind()).reminded == 1


async def test_who_began_anew_is_reminded_of_that_alone(leaving: Leaving) -> None:
    await leaving.begin()
    leaving.shop.pass_time(minutes=10)
    later = await leaving.begin(provider="stripe")
    await leaving.pass_time(hours=2)
    assert (await leaving.remind()).reminded == 1
    (told,) = await leaving.reminders()
    assert told["sessionId"] == later["sessionId"]


async def test_who_unsubscribed_is_not_reminded_again(leaving: Leaving) -> None:
    await leaving.begin()
    await leaving.pass_time(hours=2)
    await leaving.remind()
    (mail,) = leaving.mails()
    parts = urlsplit(str(mail["List-Unsubscribe"]).strip("<>"))
    path = f"{parts.path}?{parts.query}"
    answer = await leaving.shop.api.call("POST", path, None)
    assert answer.status_code == 200, answer.text
    await leaving.pass_time(hours=8)
    assert (await leaving.remind()).reminded == 0
    other = await leaving.begin(plan="premium")
    await leaving.pass_time(hours=2)
    assert (await leaving.remind()).left == 0
    assert await leaving.recovery(other["sessionId"]) is None


async def test_the_night_is_the_customers_where_it_is_known_else_the_merchants(
    leaving: Leaving,
) -> None:
    """It is noon in UTC: evening in Auckland, and night there an hour later."""
    await leaving.policy(quietFrom=1, quietUntil=6, heldOut=0)
    there = AGREED | {"timeZone": "Pacific/Auckland"}
    await leaving.begin(metadata=there, userId="far", email="far@customer.example")
    await leaving.begin(metadata=AGREED | {"timeZone": "No/Where"}, userId="near", plan="other")
    await leaving.pass_time(hours=1, minutes=1)
    report = await leaving.remind()
    assert (report.left, report.reminded) == (2, 1)
    for hours in (1, 1, 1):
        await leaving.pass_time(hours=hours)
        await leaving.remind()
        assert [told["payload"]["userId"] for told in await leaving.reminders()] == ["near"]
    await leaving.pass_time(hours=1)
    await leaving.remind()
    users = {told["payload"]["userId"] for told in await leaving.reminders()}
    assert users == {"near", "far"}


async def test_two_jobs_at_once_send_once(leaving: Leaving) -> None:
    for n in range(5):
        await leaving.begin(userId=f"u{n}", email=f"u{n}@customer.example")
    await leaving.pass_time(hours=2)
    reports = await asyncio.gather(*(leaving.run() for _ in range(4)))
    await leaving.mailing.settle()
    assert sum(one.reminded for one in reports) == 5
    assert [len(leaving.mails(f"u{n}@customer.example")) for n in range(5)] == [1] * 5


async def test_the_held_out_are_not_reminded_and_counted_all_the_same(leaving: Leaving) -> None:
    await leaving.policy(heldOut=50)
    for n in range(12):
        await leaving.begin(userId=f"u{n}", email=f"u{n}@customer.example")
    await leaving.pass_time(hours=2)
    report = await leaving.remind()
    rows = await leaving.shop.database["recoveries"].find({}).to_list()
    held = [row["sessionId"] for row in rows if row["arm"] == "held_out"]
    assert len(rows) == 12
    assert 0 < len(held) < 12
    assert report.reminded == 12 - len(held)
    told = {one["sessionId"] for one in await leaving.reminders()}
    assert told.isdisjoint(held)


async def test_a_merchant_sends_no_more_in_a_day_than_it_wants(leaving: Leaving) -> None:
    await leaving.policy(heldOut=0, mostADay=2)
    for n in range(3):
        await leaving.begin(userId=f"u{n}", email=f"u{n}@customer.example")
    await leaving.pass_time(hours=2)
    report = await leaving.remind()
    assert (report.reminded, report.over_limit) == (2, 1)
    await leaving.pass_time(hours=2)
    assert (await leaving.remind()).reminded == 0


async def test_while_it_is_paused_nothing_is_sent_and_after_that_it_goes_on(
    leaving: Leaving,
) -> None:
    await leaving.begin()
    await leaving.pass_time(hours=2)
    paused = await leaving.shop.admin("PATCH", "/recovery/policy", json={"paused": True})
    assert paused.json()["recovery"]["paused"] is True
    assert (await leaving.remind()).reminded == 0
    await leaving.shop.admin("PATCH", "/recovery/policy", json={"paused": False})
    assert (await leaving.remind()).reminded == 1


async def test_a_mail_that_waited_while_the_customer_paid_is_not_sent(leaving: Leaving) -> None:
    session = await leaving.begin()
    await leaving.pass_time(hours=2)
    await leaving.run()
    await leaving.shop.api.settle()  # the mail waits, and was not sent yet
    await _complete(leaving, session["sessionId"])
    await send_due(leaving.mailing.services)
    assert leaving.mails() == []
    waited = await leaving.mailing.the_mail(template="reminder")
    assert (waited["status"], waited["error"]) == (
        "suppressed",
        "It was overtaken while it waited.",
    )


@pytest.mark.parametrize("meanwhile", ["canceled", "paid otherwise", "paying otherwise", "nothing"])
async def test_a_mail_that_waited_is_sent_only_where_nothing_happened_meanwhile(
    leaving: Leaving, meanwhile: str
) -> None:
    session = await leaving.begin()
    await leaving.pass_time(hours=2)
    await leaving.run()
    await leaving.shop.api.settle()
    if meanwhile == "canceled":
        body = {"sessionId": session["sessionId"], "status": "canceled"}
        answer = await leaving.shop.api.call("PATCH", "/api/payment-sessions", json=body)
        assert answer.status_code == 200, answer.text
    elif meanwhile != "nothing":
        other = (await leaving.begin(provider="stripe"))["sessionId"]
        if meanwhile == "paid otherwise":
            await _complete(leaving, other)
        else:
            sessions = leaving.shop.database["sessions"]
            await sessions.update_one({"sessionId": other}, {"$set": {"status": "processing"}})
    await send_due(leaving.mailing.services)
    assert len(leaving.mails()) == (meanwhile == "nothing")


async def test_a_mail_that_waited_while_another_took_its_sessions_id_is_not_sent(
    leaving: Leaving,
) -> None:
    """It would be about what somebody else began."""
    sold = {"sessionId": "taken", "paymentMethod": "upi", "metadata": AGREED}
    await leaving.shop.api.open(email=CUSTOMER, **sold)
    await leaving.pass_time(minutes=31)
    await leaving.shop.clean_up()
    await leaving.pass_time(hours=1, minutes=1)
    assert (await leaving.run()).reminded == 1
    await leaving.shop.api.settle()
    await leaving.shop.database["sessions"].delete_many({})
    leaving.shop.pass_time(minutes=1)
    await leaving.shop.api.open(userId="eve", email="eve@else.example", **sold)
    await send_due(leaving.mailing.services)
    assert leaving.mails() == leaving.mails("eve@else.example") == []
    waited = await leaving.mailing.the_mail(template="reminder")
    assert waited["status"] == "suppressed"


async def test_control_one_that_waited_for_a_moment_is_sent_and_an_old_one_is_not(
    leaving: Leaving,
) -> None:
    for user, minutes in (("quick", 59), ("slow", 61)):
        address = f"{user}@customer.example"
        await leaving.begin(userId=user, email=address)
        await leaving.pass_time(hours=2)
        await leaving.run()
        await leaving.shop.api.settle()
        leaving.shop.pass_time(minutes=minutes)
        await leaving.mailing.send()
        assert len(leaving.mails(address)) == (user == "quick")


async def test_a_merchant_may_send_itself_and_hears_the_event_alone(leaving: Leaving) -> None:
    await leaving.policy(heldOut=0, mail=False)
    await leaving.begin()
    await leaving.pass_time(hours=2)
    assert (await leaving.remind()).reminded == 1
    assert leaving.mails() == []
    (told,) = await leaving.reminders()
    assert told["payload"]["mailed"] is False
    assert "/resume?t=" in told["payload"]["link"]


async def test_what_was_left_before_it_was_wanted_is_not_reminded_of(leaving: Leaving) -> None:
    await leaving.policy(enabled=False)
    await leaving.begin()
    await leaving.pass_time(hours=2)
    await leaving.policy(heldOut=0)
    assert (await leaving.remind()).left == 0
    await leaving.begin(plan="premium", **INR)
    await leaving.pass_time(hours=2)
    assert (await leaving.remind()).left == 1
