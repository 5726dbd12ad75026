"""How the pages look and whether everybody can use them: narrow, dark, by keyboard alone."""

import asyncio

import pytest
from playwright.async_api import Browser, Route

from tests.sandbox.looks import FAINT, look_at, look_at_this
from tests.sandbox.visitor import Visitor, signed_in
from tests.support.axe import violations
from tests.support.browsers import new_context

pytestmark = pytest.mark.browser


async def an_order(visitor: Visitor) -> str:
    """Buy something with much going wrong; return the session's id."""
    page = visitor.page
    chaos = {
        "faults": ["duplicate", "reorder", "drop", "bad_signature", "wrong_amount"],
        "copies": 2,
        "delayMs": 100,
        "seed": 3,
    }
    answer = await visitor.lab.api.http.put("/sandbox/api/chaos", json=chaos)
    assert answer.status_code == 200, answer.text
    await visitor.go("/shop")
    await page.fill("#email", "ada@example.com")
    await page.click("#pay")
    await page.select_option("#decline", "expired_card")
    await page.get_by_role("button", name="Decline").click()
    await page.get_by_role("button", name="Pay by card").click()
    await visitor.until("completed")
    return await visitor.session_id()


@pytest.mark.soak
async def test_every_page_fits_and_can_be_read(visitor: Visitor) -> None:
    """Soak: in each width and scheme; `tests/dashboard/test_every_page.py` looks at each once."""
    page = visitor.page
    session_id = await an_order(visitor)
    await visitor.go("/shop")
    await page.fill("#email", "ada@example.com")
    await page.click("#pay")
    await page.wait_for_url("**/sandbox/pay/**")
    pay = page.url.removeprefix(visitor.lab.address)
    await visitor.page.context.clear_cookies()
    await look_at(visitor, {"login": "/dashboard/login"})
    timeline = f"/dashboard/sessions/{session_id}"
    await signed_in(visitor, timeline)
    pages = {
        "timeline": timeline,
        "dashboard": "/dashboard",
        "missing": "/dashboard/sessions/nobody",
        "landing": "/",
        "unknown": "/nothing/here",
        "chaos": "/sandbox/chaos",
        "pay": pay,
        "shop": "/shop",
        "return": f"/shop/return?sessionId={session_id}",
    }
    await look_at(visitor, pages)
    # The browser notes that a session was not found.
    visitor.complaints[:] = [one for one in visitor.complaints if "404" not in one]


async def test_a_page_is_looked_at_once_its_styles_have_come(visitor: Visitor) -> None:
    """The control: its text is there before them, and can't be read."""
    page, come = visitor.page, asyncio.Event()

    async def wait(route: Route) -> None:
        await come.wait()
        await route.continue_()

    await page.route("**/*.css", wait)
    await page.emulate_media(color_scheme="dark")
    await page.goto(f"{visitor.lab.address}/dashboard/login", wait_until="commit")
    await page.wait_for_selector("h1", state="attached")
    assert await page.evaluate(FAINT) != []
    looking = asyncio.create_task(look_at_this(visitor, "late", [(360, "dark")]))
    for _ in range(20):  # turns of the browser's, more than a look takes
        await page.evaluate("document.readyState")
    come.set()
    await looking


@pytest.mark.soak
async def test_the_docs_let_the_method_of_a_deprecated_route_be_read(visitor: Visitor) -> None:
    """Soak: all of the viewer is drawn. The control: as it has it, white on pale grey."""
    page, method = visitor.page, ".opblock-deprecated .opblock-summary-method"
    await visitor.go("/docs")
    await page.wait_for_selector(method)
    others = "document.querySelectorAll('.opblock:not(.opblock-deprecated)')"
    await page.evaluate(f"{others}.forEach((one) => one.remove())")
    assert [one for one in await page.evaluate(FAINT) if "opblock-summary-method" in one] == []
    await page.locator(method).first.evaluate("(one) => { one.style.color = '#fff' }")
    assert [one for one in await page.evaluate(FAINT) if "opblock-summary-method" in one] != []


async def test_axe_finds_a_page_that_was_made_wrong(visitor: Visitor) -> None:
    """The control of what it finds on none of ours."""
    page = visitor.page
    await visitor.go("/dashboard/login")
    assert await violations(page) == []
    await page.evaluate("document.documentElement.removeAttribute('lang')")
    await page.evaluate("document.querySelector('button.primary').replaceChildren()")
    rules = {one.partition(":")[0] for one in await violations(page)}
    assert rules == {"button-name", "html-has-lang"}


async def test_order_is_made_and_paid_by_keyboard_alone(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.go("/shop")
    await page.wait_for_selector("#pay:enabled")

    async def focused() -> str:
        found: str = await page.evaluate(
            "(({ id, name, textContent }) => id || name || textContent)(document.activeElement)"
        )
        return found

    async def tab_to(name: str) -> None:
        for _ in range(40):
            if await focused() == name:
                return
            await page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {name}")

    await page.keyboard.press("Tab")
    assert await focused() == "Skip to the content"
    await tab_to("item")
    await page.keyboard.press("ArrowDown")  # the first plan
    await tab_to("email")
    await page.keyboard.type("ada@example.com")
    await tab_to("provider")
    await page.keyboard.press("ArrowDown")  # Razorpay
    assert (
        await page.evaluate(
            "getComputedStyle(document.activeElement.closest('label')).outlineStyle"
        )
        == "solid"
    )
    await page.wait_for_selector("#pay:enabled")  # the price in rupees is there
    await tab_to("pay")
    await page.keyboard.press("Enter")

    await page.wait_for_url("**/sandbox/pay/**")
    await page.wait_for_selector("[data-happening=paid]:enabled")
    await tab_to("Pay by card")
    await page.keyboard.press("Enter")
    await visitor.until("completed")
    session = await visitor.lab.api.read(await visitor.session_id())
    assert (session["plan"], session["provider"]) == ("basic", "razorpay")


async def test_keyboard_keeps_its_place_when_a_button_goes(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.go("/shop")
    await page.fill("#email", "ada@example.com")
    await page.wait_for_selector("#pay:enabled")  # Enter does nothing before there is a price
    await page.press("#email", "Enter")
    await page.wait_for_url("**/sandbox/pay/**")
    await page.focus("[data-happening=delayed]:enabled")
    await page.keyboard.press("Enter")
    await page.wait_for_selector('[data-when="processing"]:not([hidden])')
    assert await page.evaluate("document.activeElement.textContent") == "The bank is thinking"


async def test_timeline_hides_what_is_not_asked_for_and_follows_by_itself(
    visitor: Visitor, browser: Browser
) -> None:
    page = visitor.page
    await visitor.go("/shop")
    await page.fill("#email", "ada@example.com")
    await page.click("#pay")
    await page.wait_for_url("**/sandbox/pay/**")
    session_id = (await page.inner_text(".bill a code")).strip()
    async with await new_context(browser) as other:
        watching = Visitor(visitor.lab, other, await other.new_page())
        await signed_in(watching, f"/dashboard/sessions/{session_id}")
        assert "waits for a payment of 10.00 USD" in await watching.text("#why")
        assert await watching.page.is_visible('[data-kind="call"]')
        await watching.page.uncheck("#show-call")
        assert not await watching.page.is_visible('[data-kind="call"]')

        await page.get_by_role("button", name="Pay by card").click()
        await visitor.until("completed")
        await watching.page.wait_for_selector("#status.good")
        assert "was completed by Stripe" in await watching.text("#why")
        assert "The customer paid by card" in await watching.text("#lines")
        # The session is completed before the provider has its answer, and notes it.
        told = "accepted, 200 processed, taken and applied"
        await watching.page.wait_for_selector(f'#lines:has-text("{told}")')
        await watching.keep("timeline-live")
