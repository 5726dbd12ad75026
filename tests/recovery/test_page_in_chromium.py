"""The pages that links in mails lead to, in each of their states, as people see them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route

from service.notifications.mail.operations.unsubscribe import link as unsubscribe_link
from service.recovery.operations.links import link
from service.recovery.operations.pages import page_words
from tests.recovery.leaving import AGREED, Leaving
from tests.recovery.test_every_provider import _pay, lab, leaving, served_lab
from tests.sandbox.lab import Lab
from tests.sandbox.looks import look_at_this
from tests.sandbox.visitor import Visitor
from tests.sessions.asking import put_price, token_of
from tests.support.api import SECRET
from tests.support.browsers import new_context
from tillgate_sandbox.playing import expire_due

__all__ = ["lab", "leaving", "served_lab"]

pytestmark = pytest.mark.browser
_ONE = [(360, "dark")]
_ALL = [(360, "dark"), (360, "light"), (1280, "dark"), (1280, "light")]
_LOOKS = pytest.mark.parametrize("looks", [_ONE, pytest.param(_ALL, marks=pytest.mark.soak)])
_CREATE = "/api/payments/create-checkout"


@pytest_asyncio.fixture
async def reader(lab: Lab, browser: Browser) -> AsyncIterator[Visitor]:
    """Somebody who follows a link of a mail; nothing is complained of but refusals."""
    context = await new_context(browser)
    found = Visitor(lab, context, await context.new_page())
    found.watch()
    yield found
    await context.close()
    assert [one for one in found.complaints if "the server responded with" not in one] == []


async def _begin(lab: Lab, name: str, key: str = SECRET, **fields: Any) -> None:
    body = {"sessionId": name, "eventId": "event_456", "quantity": 1, "currency": "INR"}
    body |= {"email": f"{name}@mail.example", "metadata": AGREED, "paymentMethod": "stripe"}
    if key == SECRET:
        body |= {"userId": f"user-{name}", "amount": 50000}
    answer = await lab.api.call("POST", _CREATE, key, json=body | fields)
    assert answer.status_code == 201, answer.text


async def _left(lab: Lab, leaving: Leaving) -> None:
    """Let all that was begun be left for an hour, and be reminded of."""
    await leaving.pass_time(minutes=31)
    await expire_due(lab.sandbox)
    await lab.deliver()
    await leaving.shop.clean_up()
    await leaving.pass_time(minutes=62)
    await leaving.remind()


def _path(lab: Lab, leaving: Leaving, name: str) -> str:
    parts = urlsplit(link("default", name, leaving.now(), lab.api.container.mail))
    return f"{parts.path}?{parts.query}"


async def _press(reader: Visitor) -> None:
    """Press what the keyboard reaches first, which is all that there is to press."""
    await reader.page.keyboard.press("Tab")
    await reader.page.keyboard.press("Enter")


async def _seen(reader: Visitor, looks: list[tuple[int, str]], kind: str, name: str = "") -> None:
    """Look at the page that is open, which is one of a kind."""
    assert await reader.text("h1") == page_words("en")[f"{kind}_title"]
    if kind not in _OF_NOBODY:  # whose link that was is not known
        assert await reader.text("header") == "default"
    await look_at_this(reader, f"resume-{name or kind}", looks)


_OF_NOBODY = {"wrong", "too_old", "gone"}


def test_each_state_has_its_picture() -> None:
    kinds = {one.removesuffix("_title") for one in page_words("en") if one.endswith("_title")}
    assert kinds == {*("payable", "going", "paid"), *_NOT_PAYABLE, "changed", *_OF_NOBODY}


@_LOOKS
async def test_who_left_goes_on_by_keyboard_alone_and_finds_it_paid_afterwards(
    lab: Lab, leaving: Leaving, reader: Visitor, looks: list[tuple[int, str]]
) -> None:
    """Soak: in each width and scheme."""
    await _begin(lab, "stripe")
    await _left(lab, leaving)
    path, page = _path(lab, leaving, "stripe"), reader.page
    await reader.go(path)
    await _seen(reader, looks, "payable")

    async def stay(route: Route) -> None:
        await route.fulfill(status=204)

    await page.route("**/sandbox/pay/**", stay)
    await _press(reader)
    await page.wait_for_selector("main a")
    await _seen(reader, looks, "going", "going-by-address")
    await page.unroute("**/sandbox/pay/**")
    await _press(reader)
    await page.wait_for_url("**/sandbox/pay/**")
    await reader.go(path)
    await _seen(reader, looks, "payable", "used")
    await _pay(lab, leaving, await leaving.shop.session("stripe"))
    await reader.go(path)
    await _seen(reader, looks, "paid")


_NOT_PAYABLE = {"anew", "over", "under_way"}


@_LOOKS
async def test_what_has_come_of_it_since_is_said(
    lab: Lab, leaving: Leaving, reader: Visitor, looks: list[tuple[int, str]]
) -> None:
    """Soak: in each width and scheme."""
    await put_price(lab.api, "event_456", 50000, "INR", title="One evening in the small hall")
    vouched = {"email": "dear@mail.example", "email_verified": True}
    await _begin(lab, "dear", token_of("user-dear", leaving.shop.clock, **vouched))
    later = (leaving.now() + timedelta(hours=20)).isoformat()
    for name in _NOT_PAYABLE:
        await _begin(lab, name, expiresAt=later)
    await _left(lab, leaving)
    await put_price(lab.api, "event_456", 60000, "INR", title="One evening in the small hall")
    await _begin(lab, "anew-2", userId="user-anew", email="anew@mail.example")
    canceled = {"sessionId": "over", "status": "canceled"}
    assert (await lab.api.call("PATCH", "/api/payment-sessions", json=canceled)).is_success
    other = {"sessionId": "under_way", "currency": "INR", "amount": 50000}
    paid = leaving.shop.stripe_paid(other, amount_total=1, livemode=False)
    assert (await lab.api.told(paid))["outcome"] == "review"
    for name in _NOT_PAYABLE:
        await reader.go(_path(lab, leaving, name))
        await _seen(reader, looks, name)
    path = _path(lab, leaving, "dear")
    await reader.go(path)
    await _seen(reader, looks, "changed")
    await reader.go(path[:-1])
    await _seen(reader, looks, "wrong")
    leaving.shop.pass_time(days=3)
    await reader.go(path)
    await _seen(reader, looks, "too_old")
    await leaving.shop.database["sessions"].delete_many({})
    await reader.go(_path(lab, leaving, "dear"))
    await _seen(reader, looks, "gone")


_SAID = {"razorpay": "drawn", "upi": "scanned"}


@_LOOKS
@pytest.mark.parametrize("provider", _SAID)
async def test_what_no_address_leads_to_is_drawn_or_scanned(
    lab: Lab, leaving: Leaving, reader: Visitor, provider: str, looks: list[tuple[int, str]]
) -> None:
    """Soak: in each width and scheme."""
    await _begin(lab, provider, paymentMethod=provider)
    await _left(lab, leaving)
    await reader.go(_path(lab, leaving, provider))
    await _seen(reader, looks, "payable", f"payable-{provider}")
    await _press(reader)
    await reader.page.wait_for_selector("dialog, main img")
    assert await reader.text(".lead") == page_words("en")[_SAID[provider]]
    await _seen(reader, looks, "going", f"going-{provider}")


@_LOOKS
async def test_each_state_of_the_page_to_unsubscribe_can_be_read_and_used(
    lab: Lab, leaving: Leaving, reader: Visitor, looks: list[tuple[int, str]]
) -> None:
    """Soak: in each width and scheme."""
    address = "a.very.long.name.of.somebody@a-long-name-of-a-shop.example"
    parts = urlsplit(unsubscribe_link("default", address, lab.api.container.mail))
    path, page = f"{parts.path}?{parts.query}", reader.page
    await reader.go(path)
    await look_at_this(reader, "unsubscribe-asked", looks)
    await _press(reader)
    await page.wait_for_selector("main:not(:has(button))")
    assert await reader.text("h1") == "Done"
    await look_at_this(reader, "unsubscribe-done", looks)
    await reader.go(path)
    await look_at_this(reader, "unsubscribe-used", looks)
    await reader.go(path[:-1])
    assert await reader.text("h1") == "This link can't be used"
    await look_at_this(reader, "unsubscribe-wrong", looks)
