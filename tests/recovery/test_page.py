"""The page that a reminder leads to: a button, and behind it a checkout of the provider."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from service.recovery.controllers import page as page_room
from service.recovery.documents import Recovery
from service.recovery.operations.links import link, read_link
from service.settings import Settings
from tests.notifications.mail.mailing import CUSTOMER
from tests.providers.stripe.answers import CREATE, EXPIRE, checkout
from tests.providers.stripe.fake import FakeStripe, fake_stripe
from tests.recovery.leaving import AGREED, INR, Leaving
from tests.sessions.asking import put_price, token_of
from tests.support.events import stripe_checkout
from tests.support.settings import make_settings

BEGIN = "/api/payments/create-checkout"
_HOUR = timedelta(hours=1)


@pytest_asyncio.fixture
async def stripe() -> AsyncIterator[FakeStripe]:
    """A stand-in for Stripe on loopback."""
    async with fake_stripe() as fake:
        yield fake


@pytest.fixture
def settings(mail_port: int, stripe: FakeStripe) -> Settings:
    """The settings of a shop that sends mail and takes payments at the stand-in."""
    return make_settings(
        SMTP_URL=f"smtp+plain://127.0.0.1:{mail_port}",
        MAIL_FROM="shop@tillgate.example",
        STRIPE_API_BASE=stripe.url,
    )


def _will_open(stripe: FakeStripe, ref: str, amount: int = 50000) -> None:
    opened = checkout(
        id=ref,
        url=f"https://checkout.stripe.com/c/pay/{ref}",
        amount_total=amount,
        currency="inr",
        client_reference_id=None,
        livemode=False,
        expires_at=2_000_000_000,
    )
    stripe._answers.pop(CREATE, None)
    stripe.will_answer(CREATE, opened)
    stripe.will_answer(EXPIRE, checkout(status="expired"))


async def _begin(leaving: Leaving, **fields: Any) -> dict[str, Any]:
    body = {"userId": "user_123", "eventId": "event_456", "quantity": 1, "sessionId": "s-1"}
    body |= {"paymentMethod": "stripe", "email": CUSTOMER, "metadata": AGREED} | INR | fields
    answer = await leaving.shop.api.call("POST", BEGIN, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _reminded(leaving: Leaving, stripe: FakeStripe, **fields: Any) -> str:
    """Begin a checkout, leave it, and return the path of the link in the mail."""
    _will_open(stripe, "cs_test_1")
    await _begin(leaving, **fields)
    await leaving.pass_time(minutes=31)
    await leaving.shop.clean_up()
    await leaving.pass_time(minutes=90)
    assert (await leaving.remind()).reminded == 1
    return await leaving.link()


async def test_the_page_has_a_button_and_the_button_opens_a_new_checkout(
    leaving: Leaving, stripe: FakeStripe
) -> None:
    path = await _reminded(leaving, stripe)
    before = await leaving.shop.session("s-1")
    for _ in range(3):  # as those do who check mail
        page = await leaving.follow(path)
        assert page.status_code == 200, page.text
        assert page.headers["cache-control"] == "no-store"
    assert "INR\xa0500.00" in page.text
    assert await leaving.shop.session("s-1") == before
    assert len(stripe.asked) == 1 + sum(one.path.endswith("expire") for one in stripe.asked)
    _will_open(stripe, "cs_test_2")
    led = await leaving.press(path, 50000)
    assert led.status_code == 200, led.text
    assert "https://checkout.stripe.com/c/pay/cs_test_2" in led.text
    session = await leaving.shop.session("s-1")
    assert (session["status"], session["attempts"]) == ("pending", 2)
    found = await leaving.recovery("s-1")
    assert found is not None
    assert found["resumed"] == 1


async def test_what_is_paid_then_is_counted_once_and_as_brought_by_the_link(
    leaving: Leaving, stripe: FakeStripe
) -> None:
    path = await _reminded(leaving, stripe)
    _will_open(stripe, "cs_test_2")
    await leaving.press(path, 50000)
    leaving.shop.pass_time(minutes=5)
    session = {"sessionId": "s-1"} | INR
    paid = leaving.shop.stripe_paid(session, id="cs_test_2", livemode=False)
    assert (await leaving.shop.api.told(paid))["outcome"] == "processed"
    page = await leaving.follow(path)
    assert "This is paid" in page.text
    assert "<button" not in page.text
    await leaving.pass_time(hours=30)
    report = await leaving.remind()
    assert (report.paid, report.reminded) == (1, 0)
    answer = await leaving.shop.admin("GET", "/recovery/lift")
    lift = answer.json()["lift"]
    assert lift["via"] == {"link": 1, "provider": 0, "other": 0}
    money = {"arm": "reminded", "currency": "INR", "payments": 1, "paid": 50000}
    assert lift["money"] == [money | {"refunded": 0, "net": 50000}]


async def test_what_stripe_recovered_itself_is_linked_and_counted_once(
    leaving: Leaving, stripe: FakeStripe
) -> None:
    await _reminded(leaving, stripe)
    session = {"sessionId": "s-1"} | INR
    recovered = stripe_checkout(
        session,
        id="cs_test_recovered",
        recovered_from="cs_test_1",
        client_reference_id=None,
        metadata={},
        livemode=False,
    )
    event = leaving.shop.stripe("checkout.session.completed", recovered)
    assert (await leaving.shop.api.told(event))["outcome"] == "processed"
    stored = await leaving.shop.session("s-1")
    assert (stored["status"], stored["late"]) == ("completed", True)
    await leaving.pass_time(hours=8)
    assert (await leaving.remind()).paid == 1
    lift = (await leaving.shop.admin("GET", "/recovery/lift")).json()["lift"]
    assert lift["via"] == {"link": 0, "provider": 1, "other": 0}
    assert [one["payments"] for one in lift["money"]] == [1]
    assert len(await leaving.shop.payments()) == 1


async def test_a_price_that_has_changed_is_said_before_anything_is_opened(
    leaving: Leaving, stripe: FakeStripe
) -> None:
    await put_price(leaving.shop.api, "event_456", 50000, "INR")
    token = token_of("user_123", leaving.shop.clock, email=CUSTOMER, email_verified=True)
    _will_open(stripe, "cs_test_1")
    body = {"eventId": "event_456", "paymentMethod": "stripe", "sessionId": "s-1"}
    body |= {"email": CUSTOMER, "metadata": AGREED, "currency": "INR", "quantity": 1}
    begun = await leaving.shop.api.call("POST", BEGIN, token, json=body)
    assert begun.status_code == 201, begun.text
    await leaving.pass_time(minutes=31)
    await leaving.shop.clean_up()
    await leaving.pass_time(minutes=90)
    await leaving.remind()
    path = await leaving.link()
    await put_price(leaving.shop.api, "event_456", 60000, "INR")
    page = await leaving.follow(path)
    assert "The price has changed since: it was INR\xa0500.00." in page.text
    assert "INR\xa0600.00" in page.text
    asked = len(stripe.asked)
    again = await leaving.press(path, 50000)  # the button of a page that was open before
    assert "INR\xa0600.00" in again.text
    assert len(stripe.asked) == asked
    _will_open(stripe, "cs_test_2", 60000)
    led = await leaving.press(path, 60000)
    assert "cs_test_2" in led.text
    assert (await leaving.shop.session("s-1"))["amount"] == 60000


async def test_a_link_is_over_after_three_days_and_nobody_can_make_one(
    leaving: Leaving, stripe: FakeStripe
) -> None:
    path = await _reminded(leaving, stripe)
    for wrong in ("/resume", "/resume?t=", path[:-1], path.replace("?t=", "?t=A"), path + "%00"):
        answer = await leaving.follow(wrong)
        assert (answer.status_code, "<button" in answer.text) == (400, False), wrong
    leaving.shop.pass_time(days=3)
    answer = await leaving.follow(path)
    assert (answer.status_code, "too old" in answer.text) == (410, True)
    assert (await leaving.press(path, 50000)).status_code == 410


async def test_a_link_of_another_purpose_is_none(leaving: Leaving, stripe: FakeStripe) -> None:
    path = await _reminded(leaving, stripe)
    (mail,) = leaving.mails()
    other = str(mail["List-Unsubscribe"]).strip("<>").partition("?t=")[2]
    assert (await leaving.follow(f"/resume?t={other}")).status_code == 400
    ours = path.partition("?t=")[2]
    assert (await leaving.shop.api.call("GET", f"/mail/unsubscribe?t={ours}", None)).is_error


async def test_two_presses_at_once_open_one_checkout(leaving: Leaving, stripe: FakeStripe) -> None:
    path = await _reminded(leaving, stripe)
    _will_open(stripe, "cs_test_2")
    opened = len([one for one in stripe.asked if one.path == "/v1/checkout/sessions"])
    first = await leaving.press(path, 50000)
    second = await leaving.press(path, 50000)
    assert "cs_test_2" in first.text
    assert "cs_test_2" in second.text
    now = len([one for one in stripe.asked if one.path == "/v1/checkout/sessions"])
    assert now == opened + 1


async def test_a_provider_that_does_not_answer_is_said_and_tried_again(
    leaving: Leaving, stripe: FakeStripe
) -> None:
    path = await _reminded(leaving, stripe)
    stripe._answers.pop(CREATE)
    stripe.will_answer(CREATE, {"error": {"type": "api_error", "message": "away"}}, 500)
    answer = await leaving.press(path, 50000)
    assert (answer.status_code, "try again" in answer.text) == (503, True)
    assert "<button" in answer.text
    found = await leaving.recovery("s-1")
    assert found is not None
    assert found["resumed"] == 0


@pytest.mark.parametrize("status", ["canceled", "completed"])
async def test_what_cannot_be_paid_any_more_has_no_button(
    leaving: Leaving, stripe: FakeStripe, status: str
) -> None:
    _will_open(stripe, "cs_test_1")
    await _begin(leaving, expiresAt=(leaving.now() + 20 * _HOUR).isoformat())
    await leaving.pass_time(hours=2)
    await leaving.remind()
    path = await leaving.link()
    body = {"sessionId": "s-1", "status": status, "reason": "by hand"}
    changed = await leaving.shop.api.call("PATCH", "/api/payment-sessions", json=body)
    assert changed.status_code == 200, changed.text
    page = await leaving.follow(path)
    assert "<button" not in page.text
    pressed = await leaving.press(path, 50000)
    assert not re.search(r"cs_test_\d", pressed.text)


async def test_what_is_not_kept_or_too_old_says_nothing_of_money(
    leaving: Leaving, stripe: FakeStripe
) -> None:
    """Whether something was charged is not known then."""
    path = await _reminded(leaving, stripe)
    assert "Nothing was charged" in (await leaving.follow(path)).text  # control: here it is known
    sessions = leaving.shop.database["sessions"]
    kept = await sessions.find_one_and_delete({})
    gone = await leaving.follow(path)
    assert (gone.status_code, "This is not kept any more" in gone.text) == (404, True)
    assert kept is not None
    await sessions.insert_one(kept)
    leaving.shop.pass_time(days=3)
    old = await leaving.follow(path)
    assert (old.status_code, "This link is too old" in old.text) == (410, True)
    for page in (gone, old):
        assert "charged" not in page.text
        assert "If it is not paid yet" in page.text


async def test_what_is_paid_while_the_button_is_pressed_is_said_to_be_paid(
    leaving: Leaving, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await _reminded(leaving, stripe)
    paid = leaving.shop.stripe_paid({"sessionId": "s-1"} | INR, id="cs_test_1", livemode=False)
    open_checkout = page_room.resume

    async def paid_first(*given: Any) -> Any:
        assert (await leaving.shop.api.told(paid))["outcome"] == "processed"
        return await open_checkout(*given)

    monkeypatch.setattr(page_room, "resume", paid_first)
    pressed = await leaving.press(path, 50000)
    assert "This is paid" in pressed.text
    assert "Nothing was charged" not in pressed.text


async def test_while_a_person_looks_at_a_payment_of_it_no_other_can_be_made(
    leaving: Leaving, stripe: FakeStripe
) -> None:
    path = await _reminded(leaving, stripe)
    assert "<button" in (await leaving.follow(path)).text  # control: until then it can
    other = leaving.shop.stripe_paid({"sessionId": "s-1"} | INR, amount_total=1, livemode=False)
    assert (await leaving.shop.api.told(other))["outcome"] == "review"
    asked = len(stripe.asked)
    for answer in (await leaving.follow(path), await leaving.press(path, 50000)):
        assert "A payment is under way" in answer.text
        assert "<button" not in answer.text
    assert len(stripe.asked) == asked


def test_a_link_says_nothing_of_a_person_and_is_read_by_an_older_pepper(
    leaving: Leaving,
) -> None:
    mail, now = leaving.mailing.services, leaving.now()
    token = link("default", "s-1", now, mail).partition("?t=")[2]
    found = read_link(token, now, mail)
    assert (found.merchant_id, found.session_id) == ("default", "s-1")


async def _begun_again(leaving: Leaving, stripe: FakeStripe) -> str:
    """Leave a session, forget it, and begin one of its id as somebody else; return the old link."""
    path = await _reminded(leaving, stripe)
    await leaving.shop.database["sessions"].delete_many({})
    _will_open(stripe, "cs_test_9", 70000)
    await _begin(leaving, userId="user_999", email="other@shop.example", amount=70000)
    return path


async def test_a_link_leads_to_no_later_session_of_the_same_id(
    leaving: Leaving, stripe: FakeStripe
) -> None:
    path = await _begun_again(leaving, stripe)
    page = await leaving.follow(path)
    assert "700.00" not in page.text
    assert "cs_test_9" not in (await leaving.press(path, 70000)).text
    await leaving.pass_time(hours=7)
    assert (await leaving.remind()).reminded == 0
    assert leaving.mails("other@shop.example") == []


async def test_control_told_apart_by_its_id_alone_another_user_s_is_opened(
    leaving: Leaving, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recovery, "is_of", lambda *_: True)
    path = await _begun_again(leaving, stripe)
    assert "700.00" in (await leaving.follow(path)).text
    assert "cs_test_9" in (await leaving.press(path, 70000)).text
