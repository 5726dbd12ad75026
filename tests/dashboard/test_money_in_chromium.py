"""The pages of money in a real browser: wide and narrow, light and dark, by keyboard alone."""

import time
from datetime import timedelta
from typing import Any

import pytest

from service.storage.database import Row
from tests.conftest import NOON
from tests.dashboard.operated import EVIL
from tests.payments.history.rows import dispute, fail, pay, post, refund
from tests.sandbox.looks import look_at
from tests.sandbox.visitor import Visitor, signed_in
from tests.support.api import ADMIN
from tests.support.axe import violations
from tests.support.events import stripe_checkout, stripe_event

pytestmark = pytest.mark.browser

_LOOKS = [(360, "dark"), (360, "light"), (1280, "dark"), (1280, "light")]
PAYMENTS, REFUNDS = "/dashboard/payments", "/dashboard/refunds"
REVIEWS, DISPUTES = "/dashboard/reviews", "/dashboard/disputes"


async def _in_review(visitor: Visitor) -> None:
    """Have a session paid twice, and another with a wrong amount."""
    api, now = visitor.lab.api, int(time.time())
    for amount in (1000, 1250):
        session = await api.open(amount=1000)
        sid = session["sessionId"]
        for number in (1, 2) if amount == 1000 else (1,):
            named = {"id": f"cs_{sid}{number}", "payment_intent": f"pi_{sid}{number}"}
            paid = stripe_checkout(session, amount_total=amount, **named)
            event = stripe_event("checkout.session.completed", paid, created=now, signed_at=now)
            await api.told(event)


async def _ledger() -> tuple[Row, Row]:
    """Have a payment with all that a payment may have; return it and its dispute."""
    details: Any = {"fee": 59, "feeCurrency": "USD", "chargeId": "ch_1", "country": "DE"}
    details |= {"methodDetails": {"brand": "visa", "last4": "4242"}}
    paid = await pay(
        "pi_" + "x" * 60, paymentMethod="card", details=details, userId=EVIL, planName="Gold"
    )
    await pay("pi_2", 60, status="failed", failureCode="card_declined")
    declined: Any = {"declineCode": "insufficient_funds", "failureMessage": f"{EVIL}{'y' * 300}"}
    await fail(paid, "ch_0", **declined)
    await refund(paid, "r-0001", reason=EVIL, bankReference="74027314")
    words: Any = {"reason": "The seat broke " * 20, "requestedBy": f"user:{EVIL}"}
    await refund(paid, "r-0002", status="requested", **words)
    failed: Any = {"failureCode": "expired_or_canceled_card", "adminUserId": "admin:ops"}
    await refund(paid, "r-0003", status="failed", **failed)
    due = NOON + timedelta(days=7)
    found = await dispute(await pay("pi_3"), "dp_1", respondBy=due, reason="fraudulent", held=1000)
    await post(paid, sales=-1000, clearing__stripe=941, fees=59)
    return paid, found


async def test_the_pages_fit_whatever_stands_in_them(visitor: Visitor) -> None:
    await signed_in(visitor, PAYMENTS)
    empty = {"payments-empty": PAYMENTS, "refunds-empty": REFUNDS, "reviews-empty": REVIEWS}
    await look_at(visitor, empty | {"disputes-empty": DISPUTES}, _LOOKS[:1])
    paid, disputed = await _ledger()
    await _in_review(visitor)
    pages = {
        "payments": PAYMENTS,
        "payment": f"{PAYMENTS}/{paid['_id']}",
        "refunds": REFUNDS,
        "reviews": REVIEWS,
        "disputes": DISPUTES,
        "dispute": f"{DISPUTES}/{disputed['_id']}",
    }
    await look_at(visitor, pages, _LOOKS)


class Keyboard:
    """Somebody who has no mouse."""

    def __init__(self, visitor: Visitor) -> None:
        self.page = visitor.page

    async def reach(self, found: str) -> None:
        """Go on to what is looked for."""
        for _ in range(80):
            if await self.page.evaluate(f"document.activeElement.matches('{found}')"):
                return
            await self.page.keyboard.press("Tab")
        pytest.fail(f"{found} can't be reached")

    async def type_in(self, found: str, text: str) -> None:
        """Fill in a field."""
        await self.reach(found)
        await self.page.keyboard.type(text)

    async def press(self, found: str) -> None:
        """Press a button."""
        await self.reach(found)
        await self.page.keyboard.press("Enter")

    async def hears(self, words: str) -> None:
        """Be told what it came to: the focus is there."""
        await self.page.wait_for_selector(f'#said:has-text("{words}")')
        assert await self.page.evaluate("document.activeElement.id") == "said"


async def _by_hand(visitor: Visitor) -> str:
    """Have a session of 10.00 completed by hand; return its id."""
    api = visitor.lab.api
    session = await api.open(paymentMethod="upi", amount=1000, currency="INR")
    body = {"sessionId": session["sessionId"], "status": "completed", "reason": "on the bank"}
    assert (await api.call("PUT", "/api/payment-sessions", json=body)).status_code == 200
    return str(session["sessionId"])


async def test_money_goes_back_by_keyboard_alone(visitor: Visitor) -> None:
    session_id, keys = await _by_hand(visitor), Keyboard(visitor)
    await signed_in(visitor, PAYMENTS)
    await keys.type_in("#q", session_id)
    await visitor.page.keyboard.press("Enter")
    await visitor.page.wait_for_url(f"**{PAYMENTS}/*")
    await keys.press("#refunding summary")
    await keys.type_in("#amount", "4.00")
    assert await violations(visitor.page) == []
    await visitor.keep("refunding")
    await keys.type_in("#reason", "the seat broke")
    await keys.type_in("#reference", "412233445566")
    await keys.press("#refunding button")
    await keys.hears("4.00 INR was refunded.")
    timeline = {"timeline-refunded": f"/dashboard/sessions/{session_id}"}
    await look_at(visitor, timeline, [(360, "dark"), (1280, "light")])
    assert "4.00 INR of 10.00 INR was refunded." in await visitor.text("#why")
    await visitor.page.click("text=What became of the money")
    await visitor.page.wait_for_url(f"**{PAYMENTS}/*")


async def test_decisions_take_their_own_button_and_no_enter_in_a_field(visitor: Visitor) -> None:
    session_id, keys, api = await _by_hand(visitor), Keyboard(visitor), visitor.lab.api
    asked = {"sessionId": session_id, "amount": 300, "reason": "I can not come"}
    made = await api.call("POST", "/api/payment/request-refund", json=asked)
    assert made.status_code == 201, made.text
    await signed_in(visitor, REFUNDS)
    await keys.type_in("#reason-1", "used already")
    await keys.page.keyboard.press("Enter")
    await keys.press('[aria-label="Deny: 3.00 INR"]')
    await keys.hears("The refund of 3.00 INR was denied.")
    await _in_review(visitor)
    await visitor.go(REVIEWS)
    await keys.type_in("#reason-1", "not ours")
    await keys.page.keyboard.press("Enter")
    await keys.press('[value="reject"]')
    await keys.hears("The payment was rejected")
    left = (await api.call("GET", "/api/admin/reviews", ADMIN)).json()["reviews"]
    assert len(left) == 1  # of two: the key in the field has accepted none
