"""Buying in the shop, in a real browser, at providers that the sandbox plays."""

import asyncio

import pytest
from playwright.async_api import Route

from tests.sandbox.visitor import Visitor
from tests.sessions.asking import put_coupon, put_price
from tillgate_sandbox.chaos import EVERYTHING
from tillgate_sandbox.documents import SandboxDelivery
from tillgate_sandbox.pages.views import LONGEST_DELAY_MS

pytestmark = pytest.mark.browser


async def order(visitor: Visitor, provider: str, item: str = "event_456") -> None:
    """Choose something and continue to the payment."""
    page = visitor.page
    await visitor.go("/shop")
    await page.check(f'input[name="item"][value="{item}"]')
    await page.check(f'input[name="provider"][value="{provider}"]')
    await page.fill("#email", "ada@example.com")
    await page.click("#pay")


async def press(visitor: Visitor, name: str) -> None:
    """Press a button of the page."""
    await visitor.page.get_by_role("button", name=name, exact=False).click()


@pytest.mark.parametrize(
    ("provider", "item"),
    [
        ("stripe", "event_456"),
        pytest.param("stripe", "premium", marks=pytest.mark.soak),
        ("razorpay", "event_456"),
        pytest.param("razorpay", "basic", marks=pytest.mark.soak),
        ("phonepe", "event_456"),
    ],
)
async def test_customer_buys_with_each_provider(visitor: Visitor, provider: str, item: str) -> None:
    """Plans are soak: the page is the same, and tests/sandbox has what differs, without it."""
    await order(visitor, provider, item)
    await visitor.page.wait_for_url("**/sandbox/pay/**")
    await visitor.keep(f"pay-{provider}-{item}")
    await press(visitor, "Pay by card")

    await visitor.until("completed")
    assert "it is paid" in await visitor.text("#headline")
    session = await visitor.lab.api.read(await visitor.session_id())
    assert session["status"] == "completed"
    await visitor.keep(f"paid-{provider}-{item}")


async def test_upi_code_is_shown_and_the_page_notices_that_a_person_has_settled(
    visitor: Visitor,
) -> None:
    await order(visitor, "upi")
    await visitor.until("pending")
    assert await visitor.page.is_visible("#code img")
    assert (await visitor.page.get_attribute("#code a", "href") or "").startswith("upi://pay?")
    await visitor.keep("upi")

    settled = {
        "sessionId": await visitor.session_id(),
        "status": "completed",
        "providerPaymentId": "UTR1",
        "reason": "seen on the bank statement",
    }
    answer = await visitor.lab.api.call("PATCH", "/api/payment-sessions", json=settled)
    assert answer.status_code == 200, answer.text
    await visitor.until("completed")


async def test_declined_customer_tries_again_and_pays(visitor: Visitor) -> None:
    await order(visitor, "stripe")
    await visitor.page.select_option("#decline", "insufficient_funds")
    await press(visitor, "Decline")
    await visitor.page.wait_for_selector("#said.bad")
    assert "Declined" in await visitor.text("#said")
    assert "insufficient_funds" in await visitor.text("#attempts")
    await visitor.keep("declined")

    await press(visitor, "Pay by card")
    await visitor.until("completed")


async def test_customer_abandons_and_resumes(visitor: Visitor) -> None:
    await order(visitor, "stripe")
    await visitor.page.get_by_role("link", name="Abandon").click()
    await visitor.until("pending")
    assert await visitor.text("#headline") == "Not paid yet"
    await visitor.keep("abandoned")

    await press(visitor, "Continue to payment")
    await press(visitor, "Pay by card")
    await visitor.until("completed")


async def test_customer_cancels(visitor: Visitor) -> None:
    await order(visitor, "stripe")
    await visitor.page.get_by_role("link", name="Abandon").click()
    await press(visitor, "Cancel the order")
    await visitor.until("canceled")
    assert await visitor.text("#words") == "Nothing was charged."
    session = await visitor.lab.api.read(await visitor.session_id())
    assert session["status"] == "canceled"


async def test_payment_after_the_expiry_counts_and_the_page_says_that_it_was_late(
    visitor: Visitor,
) -> None:
    await order(visitor, "stripe")
    await press(visitor, "Let it expire")
    pay_page = visitor.page.url
    await visitor.page.get_by_role("link", name="Back to the shop").click()
    await visitor.until("expired")
    assert await visitor.text("#headline") == "The time ran out"
    await visitor.keep("expired")

    await visitor.page.goto(pay_page)
    await press(visitor, "Pay all the same, late")
    await visitor.until("completed")
    assert "late" in await visitor.text("#words")
    await visitor.keep("paid-late")


async def test_bank_that_refuses_days_later_is_told_in_words_and_can_be_tried_again(
    visitor: Visitor,
) -> None:
    await order(visitor, "stripe")
    await press(visitor, "Pay by bank debit")
    pay_page = visitor.page.url
    await visitor.page.get_by_role("link", name="Return to the shop meanwhile").click()
    await visitor.until("processing")
    await visitor.keep("processing")

    await visitor.page.goto(pay_page)
    await press(visitor, "The bank refuses")
    await visitor.page.get_by_role("link", name="Back to the shop").click()
    await visitor.until("failed")
    assert await visitor.text("#headline") == "The payment failed"
    await visitor.keep("failed")

    await press(visitor, "Try again")
    await press(visitor, "Pay by card")
    await visitor.until("completed")


async def test_everything_goes_wrong_and_the_session_is_completed_once(visitor: Visitor) -> None:
    await order(visitor, "stripe")
    await visitor.page.click("summary")
    await press(visitor, "Everything")
    await visitor.page.fill("#delayMs", "300")
    await press(visitor, "Apply to this checkout")
    await visitor.page.wait_for_selector("[data-said].good")
    await visitor.keep("chaos-of-one")

    await press(visitor, "Pay by card")
    await visitor.until("completed")
    session_id = await visitor.session_id()
    session = await visitor.lab.api.read(session_id)
    assert [move["to"] for move in session["history"]] == ["pending", "completed"]
    deliveries = await visitor.lab.deliveries(session_id)
    assert len(deliveries) >= 10
    assert any("bad_signature" in delivery.tamper for delivery in deliveries)


async def standing(visitor: Visitor, *faults: str, delay_ms: int) -> None:
    """Let faults befall every checkout."""
    rule = {"faults": list(faults), "delayMs": delay_ms}
    answer = await visitor.lab.api.http.put("/sandbox/api/chaos", json=rule)
    assert answer.status_code == 200, answer.text


async def deliver_now(visitor: Visitor) -> None:
    """Let every delivery that waits for its time be due."""
    due_now = {"$set": {"dueAt": visitor.lab.sandbox.clock.now()}}
    await SandboxDelivery.get_pymongo_collection().update_many({}, due_now)


async def test_webhook_comes_first_and_the_customer_returns_to_a_completed_session(
    visitor: Visitor,
) -> None:
    await standing(visitor, "webhook_first", "delay", delay_ms=LONGEST_DELAY_MS)
    await visitor.page.clock.set_fixed_time(visitor.lab.sandbox.clock.now())  # it is patient
    await order(visitor, "stripe")
    await press(visitor, "Pay by card")
    await visitor.page.wait_for_selector("text=Waiting until every webhook was tried")
    await deliver_now(visitor)
    session = await visitor.lab.api.read(await visitor.session_id())
    assert session["status"] == "completed"
    await visitor.until("completed")


async def test_customer_returns_first_and_the_page_notices_the_webhook(visitor: Visitor) -> None:
    await standing(visitor, "redirect_first", delay_ms=LONGEST_DELAY_MS)
    # To it no time passes: after some seconds it would have the provider asked.
    await visitor.page.clock.set_fixed_time(visitor.lab.sandbox.clock.now())
    await order(visitor, "phonepe")
    await press(visitor, "Pay by card")
    await visitor.until("pending")
    assert await visitor.text("#headline") == "Waiting for your payment"
    await visitor.keep("waiting")
    await deliver_now(visitor)
    await visitor.until("completed")


async def test_late_success_is_chosen_as_a_fault(visitor: Visitor) -> None:
    await standing(visitor, "late", delay_ms=LONGEST_DELAY_MS)
    await order(visitor, "stripe")
    await press(visitor, "Pay by card")
    await visitor.until("expired")  # two that are due at a time come in any order
    await deliver_now(visitor)
    await visitor.until("completed")
    assert (await visitor.lab.api.read(await visitor.session_id()))["late"] is True


async def test_rule_is_set_on_the_chaos_page(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.go("/sandbox/chaos")
    await press(visitor, "Everything")
    await page.fill("#seed", "7")
    await press(visitor, "Apply to every checkout")
    await page.wait_for_selector("[data-said].good")
    rule = (await visitor.lab.api.http.get("/sandbox/api/chaos")).json()
    assert (set(rule["faults"]), rule["seed"]) == (set(EVERYTHING), 7)


async def test_unknown_coupon_is_told_at_its_field(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.go("/shop")
    await page.fill("#email", "ada@example.com")
    await page.fill("#couponCode", "NOPE")
    await page.click("#pay")
    await page.wait_for_selector('#couponCode[aria-invalid="true"]')
    assert await page.evaluate("document.activeElement.id") == "couponCode"
    assert await visitor.text("#couponCode-wrong") == "It is not a coupon that holds now."
    await visitor.keep("coupon")
    # The browser itself notes that the server answered 400.
    visitor.complaints.clear()


async def test_price_that_stands_on_the_page_is_the_one_that_is_charged(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.go("/shop")
    await page.fill("#email", "ada@example.com")
    await page.fill("#quantity", "3")
    await page.fill("#couponCode", "WELCOME10")
    await page.wait_for_selector("#total:has-text('27.00')")
    assert await visitor.text("#chosen") == "One evening × 3, WELCOME10 -$3.00"
    await visitor.keep("quoted")
    # The price goes up while the customer is still looking at it.
    await put_price(visitor.lab.api, "event_456", 9_000)
    await page.click("#pay")
    await page.wait_for_url("**/sandbox/pay/**")
    await press(visitor, "Pay by card")
    await visitor.until("completed")
    assert (await visitor.lab.api.read(await visitor.session_id()))["amount"] == 2_700
    assert "27.00" in await visitor.text("#facts")


async def test_who_presses_enter_before_the_price_is_there_is_told_and_orders_nothing_unseen(
    visitor: Visitor,
) -> None:
    page, may_pass, orders = visitor.page, asyncio.Event(), list[str]()

    async def hold(route: Route) -> None:
        await may_pass.wait()
        await route.continue_()

    await page.route("**/api/quotes", hold)
    page.on("request", lambda asked: orders.append(asked.url) if "create" in asked.url else None)
    await visitor.go("/shop")
    await page.fill("#email", "ada@example.com")
    await page.press("#email", "Enter")
    assert await visitor.text("#problem") == "One moment, the price is on its way."
    may_pass.set()
    await page.wait_for_selector("#pay:enabled")
    assert await visitor.text("#problem") == (
        "The price is $10.00 now. Press again if that is fine with you."
    )
    assert orders == []
    await page.press("#email", "Enter")
    await page.wait_for_url("**/sandbox/pay/**")
    assert len(orders) == 1


async def test_more_than_are_sold_at_a_time_is_told_before_the_button_is_pressed(
    visitor: Visitor,
) -> None:
    await visitor.go("/shop")
    await visitor.page.fill("#quantity", "11")
    await visitor.page.wait_for_selector('#quantity[aria-invalid="true"]')
    assert await visitor.text("#quantity-wrong") == "It must be at most 10."
    assert await visitor.text("#total") == "–"
    visitor.complaints.clear()  # the browser itself notes that the server answered 400


async def test_guest_of_the_house_pays_nothing_and_meets_no_provider(visitor: Visitor) -> None:
    await put_coupon(visitor.lab.api, "GUEST", basisPoints=10_000)
    await visitor.go("/shop")
    await visitor.page.fill("#email", "ada@example.com")
    await visitor.page.fill("#couponCode", "GUEST")
    await visitor.page.wait_for_selector("#total:has-text('0.00'):not(:has-text('10'))")
    await visitor.page.click("#pay")
    await visitor.until("completed")
    session = await visitor.lab.api.read(await visitor.session_id())
    assert (session["amount"], session["providerSessionId"]) == (0, None)
    await visitor.keep("nothing-due")


async def test_tab_that_does_not_know_the_order_says_so(visitor: Visitor) -> None:
    await visitor.go("/shop/return?sessionId=ps_of_another_tab")
    await visitor.until("unknown")
    assert "does not know" in await visitor.text("#headline")
