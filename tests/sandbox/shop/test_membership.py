"""A customer of the shop subscribes, sees what follows, cancels, stays and changes the plan."""

import re

import pytest
from httpx import AsyncClient

from service.storage.database import Database
from tests.sandbox.lab import Lab
from tests.sandbox.looks import look_at_this
from tests.sandbox.visitor import Visitor
from tests.subscriptions.at_razorpay import Subscribed
from tests.support.pages import assert_nothing_inline
from tests.support.settings import ADMIN, JWT_SECRET, PUBLISHABLE, SECRET
from tillgate_sandbox.shop.members import COOKIE

HERE = "/shop/membership"
STATUS = "/api/payment/subscription-status"


def _host(lab: Lab) -> dict[str, str]:
    return {"host": lab.address.removeprefix("http://")}


async def _token(http: AsyncClient) -> str:
    answer = await http.post("/shop/member")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: str = answer.json()["token"]
    return found


async def test_the_page_has_no_key_and_nothing_inline(lab: Lab) -> None:
    page = await lab.api.http.get(HERE, headers=_host(lab))
    assert_nothing_inline(page)
    for key in (PUBLISHABLE, SECRET, ADMIN, JWT_SECRET):
        assert key not in page.text
    assert set(re.findall(r'name="provider" value="(\w+)"', page.text)) == {"stripe", "razorpay"}
    assert set(re.findall(r'name="plan" value="(\w+)"', page.text)) == {"basic", "premium"}
    elsewhere = await lab.api.http.get(HERE, headers={"host": "localhost:8000"})
    assert elsewhere.headers["location"] == f"{lab.address}{HERE}"


async def test_each_browser_is_a_customer_of_its_own(lab: Lab) -> None:
    http = lab.api.http
    http.cookies.clear()
    first = (await http.post("/shop/member")).json()
    again = (await http.post("/shop/member")).json()
    assert again["userId"] == first["userId"]
    known = http.cookies[COOKIE]
    # Whoever reads the id of a customer can't become the customer by it.
    assert known not in first["userId"]
    for forged in ("", first["userId"], "member_1", f"{known}x", known.upper() + "'"):
        http.cookies.clear()
        other = await http.post("/shop/member", headers={"cookie": f"{COOKIE}={forged}"})
        assert other.json()["userId"] != first["userId"], forged
    http.cookies.clear()


async def test_the_token_opens_what_is_the_customer_s_own_and_no_more(lab: Lab) -> None:
    http = lab.api.http
    http.cookies.clear()
    token = await _token(http)
    own = await lab.api.call("GET", STATUS, token)
    assert own.json()["subscription"] is None
    another = await lab.api.call("GET", f"{STATUS}?userId=user_123", token)
    assert another.status_code == 403
    assert (await lab.api.call("GET", "/api/admin/prices", token)).status_code == 403


async def _subscribe(visitor: Visitor, provider: str, plan: str = "basic") -> None:
    page = visitor.page
    await visitor.go(HERE)
    await _stands(visitor, "none")
    await page.check(f'input[name="plan"][value="{plan}"]')
    await page.check(f'input[name="provider"][value="{provider}"]')
    await page.fill("#email", "ada@example.com")
    await page.click("#subscribe")
    await page.wait_for_url("**/sandbox/pay/**")
    await page.get_by_role("button", name="Pay by card").click()
    await page.wait_for_url(f"**{HERE}?**")
    await _stands(visitor, "active", plan)


async def _stands(visitor: Visitor, status: str, plan: str = "") -> None:
    named = f'[data-plan="{plan}"]' if plan else ""
    await visitor.page.wait_for_selector(f'#state[data-status="{status}"]{named}')


async def _press(visitor: Visitor, name: str) -> None:
    await visitor.page.get_by_role("button", name=name).click()


@pytest.mark.browser
async def test_a_customer_subscribes_cancels_stays_and_changes_the_plan(visitor: Visitor) -> None:
    looks = [(360, "dark"), (360, "light"), (1280, "dark"), (1280, "light")]
    page = visitor.page
    await visitor.go(HERE)
    await _stands(visitor, "none")
    await look_at_this(visitor, "membership-none", looks)
    await _subscribe(visitor, "stripe")
    assert "The next renewal is on" in await visitor.text("#words")
    assert "$9.99 a month" in await visitor.text("#facts")
    await page.wait_for_selector('#payments li:has-text("$9.99")')
    await look_at_this(visitor, "membership", looks)
    await _press(visitor, "Cancel the membership")
    await _stands(visitor, "ending")
    assert "nothing more is charged" in await visitor.text("#words")
    # The page may have asked how it stands before the answer to the press is there.
    await page.wait_for_function("document.activeElement.id === 'headline'")
    await look_at_this(visitor, "membership-ending", looks[:1])
    await _press(visitor, "Stay a member")
    await _stands(visitor, "active")
    await _press(visitor, "Change to premium, $29.99 a month")
    await _stands(visitor, "active", "premium")
    assert "$29.99 a month" in await visitor.text("#facts")
    await page.reload()
    await _stands(visitor, "active", "premium")


@pytest.mark.browser
@pytest.mark.soak
async def test_a_customer_of_razorpay_does_the_same(visitor: Visitor) -> None:
    """Soak: the page is the same, and tests/subscriptions has what differs, without it."""
    await _subscribe(visitor, "razorpay")
    await _press(visitor, "Change to premium")
    await _stands(visitor, "active", "premium")
    await _press(visitor, "Cancel the membership")
    await _stands(visitor, "ending")
    assert "This can't be taken back" in await visitor.text("#words")
    assert await visitor.page.locator("#actions button").count() == 0


@pytest.mark.browser
async def test_a_member_whose_renewal_failed_is_told_no_untruth_and_can_still_leave(
    visitor: Visitor, database: Database
) -> None:
    looks = [(360, "dark"), (1280, "light")]
    await _subscribe(visitor, "razorpay")
    assert "Paid until" in await visitor.text("#facts")  # the control
    row = await database["subscriptions"].find_one({})
    assert row is not None
    opened = {"sessionId": row["sessionId"], "providerSessionId": row["providerSubscriptionId"]}
    there = Subscribed(visitor.lab, database, opened)
    await there.live(31, declines=True)
    await _stands(visitor, "past_due")
    assert "Paid until" not in await visitor.text("#facts")
    await look_at_this(visitor, "membership-past-due", looks)
    await there.live(40)
    await _stands(visitor, "halted")
    assert "Paid until" not in await visitor.text("#facts")
    await _press(visitor, "Cancel the membership")
    await _stands(visitor, "ending")
    assert "may still be charged" in await visitor.text("#words")
    await look_at_this(visitor, "membership-given-up", looks)
