"""Buying on a page of another origin, by the browser client, at the sandbox's providers.

Those marked soak take other turns on a road that one of the others goes, and some seconds each.
"""

import pytest
from playwright.async_api import Route

from service.web.client.builds import newest_build
from tests.clients.customer import COOKIE, Customer

pytestmark = pytest.mark.browser

CREATE = "**/api/payments/create-checkout"


async def test_a_whole_purchase_at_stripe_and_back(customer: Customer) -> None:
    await customer.go("/?provider=stripe")
    await customer.press("Buy")
    await customer.page.wait_for_url("**/sandbox/pay/**")
    await customer.press("Pay by card")
    await customer.page.wait_for_url(f"{customer.home}/thanks.html?**")
    await customer.until("completed")
    (session,) = await customer.sessions()
    assert (session["status"], session["amount"], session["currency"]) == ("completed", 1000, "USD")
    assert session["successUrl"].startswith(f"{customer.home}/thanks.html?sessionId=tg_")


async def test_razorpay_opens_above_the_page_and_its_proof_is_verified(customer: Customer) -> None:
    await customer.go("/?provider=razorpay")
    await customer.press("Buy")
    await customer.press("Decline the payment")
    await customer.page.wait_for_selector("dialog [role=status]:has-text('declined')")
    await customer.press("Pay by card")
    await customer.until("completed")
    assert customer.page.url == f"{customer.home}/?provider=razorpay"


@pytest.mark.soak
async def test_a_customer_who_closes_razorpay_is_asked_nothing_and_finds_it_again(
    customer: Customer,
) -> None:
    await customer.go("/?provider=razorpay")
    await customer.press("Buy")
    await customer.press("Close the checkout")
    await customer.until("pending")
    await customer.press("Buy")
    await customer.press("Pay by card")
    await customer.until("completed")
    assert len(await customer.sessions()) == 1


@pytest.mark.soak
async def test_phonepe_has_a_page_of_its_own(customer: Customer) -> None:
    await customer.go("/?provider=phonepe")
    await customer.press("Buy")
    await customer.page.wait_for_url("**/sandbox/pay/**")
    await customer.press("Pay by card")
    await customer.until("completed")


@pytest.mark.parametrize("where", ["#code", pytest.param("dialog", marks=pytest.mark.soak)])
async def test_a_upi_code_is_shown_and_the_page_notices_the_payment(
    customer: Customer, where: str
) -> None:
    await customer.go("/?provider=upi" + ("&dialog" if where == "dialog" else ""))
    await customer.press("Buy")
    image = await customer.page.wait_for_selector(f"{where} img")
    assert image is not None
    assert await image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 50
    link = await customer.page.get_attribute(f"{where} a", "href")
    assert (link or "").startswith("upi://pay?")

    (session,) = await customer.sessions()
    settled = {
        "sessionId": session["sessionId"],
        "status": "completed",
        "providerPaymentId": "UTR1",
        "reason": "seen on the bank statement",
    }
    answer = await customer.lab.api.call("PATCH", "/api/payment-sessions", json=settled)
    assert answer.status_code == 200, answer.text
    await customer.until("completed")
    assert await customer.page.query_selector(f"{where} img") is None


@pytest.mark.soak
async def test_a_closed_dialog_ends_the_waiting_and_the_session_stays_open(
    customer: Customer,
) -> None:
    await customer.go("/?provider=upi&dialog")
    await customer.press("Buy")
    await customer.press("Close")
    await customer.page.wait_for_selector("dialog", state="detached")
    await customer.until("pending")


async def test_the_customer_cancels(customer: Customer) -> None:
    await customer.go("/?provider=stripe")
    await customer.press("Buy")
    await customer.page.get_by_role("link", name="Abandon").click()
    await customer.page.wait_for_url("**&left=1")
    await customer.press("Cancel")
    await customer.until("canceled")


async def test_a_double_click_a_reload_and_the_way_back_open_one_session(
    customer: Customer,
) -> None:
    await customer.go("/?provider=stripe")
    await customer.page.evaluate("void Promise.all([buy(), buy()])")
    await customer.page.wait_for_url("**/sandbox/pay/**")
    first = customer.page.url
    await customer.go("/?provider=stripe")
    await customer.press("Buy")
    await customer.page.wait_for_url("**/sandbox/pay/**")
    assert customer.page.url == first
    assert len(await customer.sessions()) == 1


async def test_control_two_purchases_are_two_sessions(customer: Customer) -> None:
    await customer.go("/?provider=upi")
    for _ in range(2):
        await customer.page.evaluate("void buy()")
        await customer.page.wait_for_selector("#code img")
        await customer.page.evaluate("sessionStorage.clear()")
        await customer.page.reload()
    assert len(await customer.sessions()) == 2


@pytest.mark.soak
async def test_what_was_bought_may_be_bought_again(customer: Customer) -> None:
    for sessions in (1, 2):
        await customer.go("/?provider=razorpay")
        await customer.press("Buy")
        await customer.press("Pay by card")
        await customer.until("completed")
        assert len(await customer.sessions()) == sessions


async def test_who_has_paid_and_comes_back_is_not_led_to_pay_again(customer: Customer) -> None:
    await customer.go("/?provider=stripe")
    await customer.press("Buy")
    await customer.page.wait_for_url("**/sandbox/pay/**")
    (session,) = await customer.sessions()
    paying = f"{customer.lab.address}/sandbox/pay/{session['providerSessionId']}/paid"
    assert (await customer.context.request.post(paying, data={"method": "card"})).ok
    asked = {"sessionId": session["sessionId"]}
    path = "/api/payment/verify-checkout-session"
    assert (await customer.lab.api.call("POST", path, json=asked)).json()["paid"]
    await customer.go("/?provider=stripe")
    await customer.press("Buy")
    await customer.page.wait_for_url(f"{customer.home}/thanks.html?**")
    await customer.until("completed")
    assert len(await customer.sessions()) == 1


async def test_a_lost_answer_is_asked_for_again_and_opens_one_session(customer: Customer) -> None:
    lost = []

    async def lose(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(await route.fetch())  # it has reached the server
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await customer.page.route(CREATE, lose)
    await customer.go("/?provider=upi")
    await customer.press("Buy")
    await customer.page.wait_for_selector("#code img")
    assert [answer.status for answer in lost] == [201]
    assert len(await customer.sessions()) == 1
    customer.complaints.clear()


@pytest.mark.soak
async def test_a_slow_network_is_waited_for(customer: Customer) -> None:
    await customer.go("/?provider=razorpay")
    wire = await customer.context.new_cdp_session(customer.page)
    slow = {
        "offline": False,
        "latency": 700,
        "downloadThroughput": 20_000,
        "uploadThroughput": 20_000,
    }
    await wire.send("Network.enable")
    await wire.send("Network.emulateNetworkConditions", slow)
    await customer.page.dblclick("#buy")
    await customer.press("Pay by card")
    await customer.until("completed")
    assert len(await customer.sessions()) == 1


async def test_a_wrong_key_is_told_in_words(customer: Customer) -> None:
    await customer.go("/?provider=stripe&key=pk_test_of_somebody_else_0001")
    await customer.press("Buy")
    code, words = await customer.problem()
    assert code == "invalid_api_key"
    assert "key" in words
    assert await customer.page.get_attribute("#problem", "data-status") == "401"
    customer.complaints.clear()


@pytest.mark.soak
async def test_a_server_that_is_away_is_told_in_words(customer: Customer) -> None:
    await customer.go("/?provider=stripe")
    await customer.page.route(CREATE, lambda route: route.abort("connectionrefused"))
    await customer.press("Buy")
    code, words = await customer.problem()
    assert code == "unreachable"
    assert "CORS_ORIGINS" in words
    customer.complaints.clear()


async def test_another_tab_does_not_know_the_session(customer: Customer) -> None:
    await customer.go("/thanks.html?sessionId=tg_of_another_tab")
    code, words = await customer.problem()
    assert code == "unknown_here"
    assert "tg_of_another_tab" in words


@pytest.mark.parametrize(("site", "kept"), [("localhost", 1), ("127.0.0.1", 0)])
async def test_control_this_browser_keeps_no_cookie_of_another_site(
    customer: Customer, site: str, kept: int
) -> None:
    await customer.go("/?provider=razorpay")
    asked = f"{customer.home.replace('localhost', site)}/{COOKIE}"
    ask = "url => fetch(url, {mode: 'no-cors', credentials: 'include'}).then(() => true)"
    assert await customer.page.evaluate(ask, asked)
    assert len(await customer.context.cookies()) == kept


async def test_without_third_party_cookies_nothing_is_missing(customer: Customer) -> None:
    await customer.go("/?provider=razorpay")
    await customer.press("Buy")
    await customer.press("Pay by card")
    await customer.until("completed")
    assert await customer.context.cookies() == []


async def test_the_pages_of_the_guide_take_a_payment(customer: Customer) -> None:
    await customer.go("/guide.html")
    await customer.press("Buy a ticket")
    await customer.press("Pay by card")
    await customer.until("completed")
    await customer.go("/guide-thanks.html")
    await customer.page.wait_for_selector("#said:text-is('completed')")
    assert len(await customer.sessions()) == 1


async def test_a_price_is_asked_for_and_a_double_click_buys_once_at_it(customer: Customer) -> None:
    await customer.go("/?provider=upi")
    quote = await customer.page.evaluate(
        "tillgate.quote({ items: { eventId: 'event_456' }, quantity: 2, currency: 'INR' })"
    )
    assert (quote["amount"], quote["currency"]) == (2000, "INR")
    await customer.page.evaluate(
        "(quoteId) => Object.assign(order, { quoteId, quantity: 2, currency: 'INR' })",
        quote["quoteId"],
    )
    await customer.page.dblclick("#buy")
    await customer.page.wait_for_selector("#code img")
    (session,) = await customer.sessions()
    assert (session["amount"], session["quantity"]) == (2000, 2)
    assert await customer.page.locator("#code img").count() == 1


@pytest.mark.parametrize("changed", [False, True])
async def test_a_script_that_somebody_changed_on_the_way_is_not_run(
    customer: Customer, changed: bool
) -> None:
    """By the hash in the page; one that came as it was built is the control."""

    async def change(route: Route) -> None:
        answer = await route.fetch()
        body = await answer.body()
        await route.fulfill(response=answer, body=body + (b"\n" if changed else b""))

    await customer.page.route(f"**{newest_build().path}", change)
    await customer.go("/?provider=stripe")
    assert await customer.page.evaluate("typeof Tillgate") == ("undefined" if changed else "object")
    refused = [one for one in customer.complaints if "integrity" in one]
    assert bool(refused) is changed
    customer.complaints.clear()
