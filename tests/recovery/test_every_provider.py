"""Whoever left comes back to a checkout, at every provider as the sandbox plays it."""

from collections.abc import AsyncIterator
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.storage.database import Database
from tests.notifications.mail.mailing import CUSTOMER, Mailing
from tests.notifications.mail.servers import Server
from tests.recovery.leaving import AGREED, Leaving
from tests.sandbox.lab import Lab, empty_sandbox, running_lab
from tests.support.api import Api
from tests.support.shop import Shop
from tillgate_sandbox.extension import SANDBOX
from tillgate_sandbox.mailbox import repository as mailbox
from tillgate_sandbox.playing import expire_due, happen
from tillgate_sandbox.states import Happening

SENDER = "shop@tillgate.example"


@pytest_asyncio.fixture(scope="module")
async def served_lab(indexed_database: Database, the_clock: ManualClock) -> AsyncIterator[Lab]:
    """The service with its sandbox, whose mailbox takes its mail: built and served once."""
    async with (
        SANDBOX.receiving_mail(the_clock) as url,
        running_lab(indexed_database, the_clock, SMTP_URL=url, MAIL_FROM=SENDER) as running,
    ):
        yield running


@pytest_asyncio.fixture
async def lab(served_lab: Lab, database: Database, clock: ManualClock) -> Lab:
    """That lab, as if nothing had happened in it yet."""
    await empty_sandbox(database)
    return served_lab


@pytest_asyncio.fixture
async def leaving(lab: Lab, database: Database, clock: ManualClock) -> Leaving:
    """Those who leave the sandbox's shop."""
    made = Leaving(Mailing(Shop(lab.api, clock, database), Server()))
    await lab.api.settle()
    await made.policy(heldOut=0)
    return made


async def _begin(api: Api, provider: str) -> str:
    body = {"userId": "user_123", "eventId": "event_456", "quantity": 1, "amount": 50000}
    body |= {"paymentMethod": provider, "currency": "INR", "email": CUSTOMER, "metadata": AGREED}
    answer = await api.call("POST", "/api/payments/create-checkout", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["sessionId"])


async def _link_in_the_mailbox(leaving: Leaving) -> str:
    (mail,) = await mailbox.latest(10)
    assert mail.to == [CUSTOMER]
    [link] = {part for part in mail.text.split() if "/resume?t=" in part}
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


# What the page leads on by: an address, a script that draws the checkout, or a code.
LEADS_ON = {
    "stripe": 'http-equiv="refresh"',
    "phonepe": 'http-equiv="refresh"',
    "razorpay": 'data-order="order_',
    "upi": 'src="data:image/svg+xml',
}


@pytest.mark.parametrize("provider", LEADS_ON)
async def test_who_left_comes_back_by_the_mail_and_pays(
    lab: Lab, leaving: Leaving, provider: str
) -> None:
    """A session is over after half an hour, an order of PhonePe's only after one."""
    session_id = await _begin(lab.api, provider)
    await leaving.pass_time(minutes=31)
    await expire_due(lab.sandbox)
    await lab.deliver()
    await leaving.shop.clean_up()
    await leaving.pass_time(minutes=62)
    assert (await leaving.remind()).reminded == 1
    path = await _link_in_the_mailbox(leaving)
    page = await leaving.follow(path)
    assert 'name="amount" value="50000"' in page.text
    led = await leaving.press(path, 50000)
    assert led.status_code == 200, led.text
    assert LEADS_ON[provider] in led.text
    session = await leaving.shop.session(session_id)
    assert (session["status"], session["attempts"]) == ("pending", 2)
    await _pay(lab, leaving, session)
    assert (await leaving.shop.session(session_id))["status"] == "completed"
    await leaving.pass_time(hours=8)
    assert (await leaving.remind()).paid == 1
    found = await leaving.recovery(session_id)
    assert found is not None
    assert (found["via"], len(found["paidBy"])) == ("link", 1)


async def _pay(lab: Lab, leaving: Leaving, session: dict[str, Any]) -> None:
    last = session["checkouts"][-1]["ref"]
    if session["provider"] == "upi":
        body = {"sessionId": session["sessionId"], "status": "completed", "reason": "at the bank"}
        answer = await lab.api.call("PATCH", "/api/payment-sessions", json=body)
        assert answer.status_code == 200, answer.text
        return
    await happen(await lab.checkout(last), Happening.PAID, lab.sandbox)
    await lab.deliver_all()


async def test_the_page_of_a_drawn_checkout_lets_its_script_in_and_no_other(
    lab: Lab, leaving: Leaving
) -> None:
    await _begin(lab.api, "razorpay")
    await leaving.pass_time(minutes=31)
    await leaving.shop.clean_up()
    await leaving.pass_time(minutes=62)
    await leaving.remind()
    led = await leaving.press(await _link_in_the_mailbox(leaving), 50000)
    policy = led.headers["content-security-policy"]
    assert f"script-src 'self' {lab.address};" in policy
    script = unescape(led.text).partition('<script src="')[2].partition('"')[0]
    assert script == f"{lab.address}/sandbox/razorpay/checkout.js"
    ours = led.text.partition("/resume/assets/")[2].partition('"')[0]
    got = await lab.api.http.get(f"/resume/assets/{ours}")
    assert (got.status_code, "Razorpay" in got.text) == (200, True)
