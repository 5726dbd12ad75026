"""The pages of subscriptions: who sees what, what the buttons do at the provider."""

import re
from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient

from service.core.principal import AccessScope, Kind
from service.core.words import moment
from service.dashboard.subscriptions import controllers
from service.storage.database import Database
from tests.dashboard.operated import EVIL
from tests.dashboard.pressing import page, press, said, words
from tests.dashboard.signing_in import sign_in
from tests.sandbox.lab import Lab
from tests.sandbox.looks import look_at
from tests.sandbox.visitor import CLERK, Visitor, signed_in
from tests.subscriptions.living import USER, Living, begun
from tests.support.keys import issue_key
from tests.support.pages import assert_nothing_inline
from tests.support.patience import IN_TIME
from tillgate_sandbox.demo_prices import put_demo_prices
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening

HERE = "/dashboard/subscriptions"


@pytest_asyncio.fixture
async def living(lab: Lab, database: Database) -> Living:
    """A subscription that is active, and an admin's browser beside it."""
    found = await begun(lab, database)
    await found.arrive()
    lab.api.http.cookies.clear()
    await sign_in(lab.api.http)
    return found


@pytest.fixture
def http(living: Living) -> AsyncClient:
    """The browser."""
    found: AsyncClient = living.lab.api.http
    return found


def _here(living: Living) -> str:
    return f"{HERE}/{living.id}"


async def _press(living: Living, change: str, **given: str) -> str:
    here = _here(living)
    return await said(living.lab.api.http, here, f"{here}/change", change=change, **given)


async def _acts(database: Database) -> list[tuple[str, str, str | None]]:
    wanted = {"action": {"$regex": "^subscription"}}
    rows = await database["audit_log"].find(wanted).sort("at", 1).to_list()
    return [(row["action"], row["actor"], row["reason"]) for row in rows]


async def _as(living: Living, *scopes: AccessScope) -> None:
    """Sign in with another key, which has these scopes only."""
    issued = await issue_key(living.lab.sandbox.clock, Kind.ADMIN, scopes=list(scopes))
    living.lab.api.http.cookies.clear()
    await sign_in(living.lab.api.http, issued.key)


async def test_they_are_listed_by_state_and_found_by_any_id(
    living: Living, http: AsyncClient
) -> None:
    here = _here(living)
    shown = await page(http, HERE)
    assert here in shown
    assert "basic" in words(shown)
    assert "9.99 USD every month" in words(shown)
    assert here in await page(http, HERE, status="active")
    assert here not in await page(http, HERE, status="canceled")
    assert here in await page(http, HERE, status="any", q=USER)
    for named in (living.id, living.session_id):
        found = await http.get(HERE, params={"q": f" {named} "})
        assert (found.status_code, found.headers["location"]) == (303, here), named
    assert "Nothing has this" in await page(http, HERE, q="sub_nobodys")


async def test_one_that_was_not_read_yet_is_listed_too(
    living: Living, http: AsyncClient, database: Database
) -> None:
    blank: dict[str, Any] = {"status": None, "unread": True, "provider": "phonepe", "history": []}
    await database["subscriptions"].update_many({}, {"$set": blank})
    assert "not read yet" in words(await page(http, HERE))
    text = await page(http, _here(living))  # its provider can't be asked
    assert "Its provider has not said yet how it stands." in text
    assert "Change this subscription" not in text


async def test_its_page_has_its_payments_and_what_became_of_it(
    living: Living, http: AsyncClient, database: Database
) -> None:
    await living.pass_days(31)
    await sign_in(http)
    assert_nothing_inline(await http.get(_here(living)))
    assert_nothing_inline(await http.get(HERE))
    await database["subscriptions"].update_many({}, {"$set": {"plan": EVIL, "userId": EVIL}})
    text = await page(http, _here(living))
    assert EVIL not in text
    told = words(text)
    assert "Active, the next renewal is at" in told
    assert "Renewed." in told
    assert len(re.findall(r"<code>in_[^<]+</code>", text)) == 2
    paid = re.findall(r'href="(/dashboard/payments/[0-9a-f]{24})"', text)
    assert len(paid) == 2
    for one in paid:
        assert f'href="{_here(living)}"' in await page(http, one)
    session = re.search(r'href="(/dashboard/sessions/[^"]+)"', text)
    assert session
    timeline = await page(http, session[1])
    assert f'"{HERE}?q={living.session_id}"' in timeline
    assert "Subscription to basic: renewed, the next renewal is at" in words(timeline)


async def test_its_buttons_end_it_let_it_go_on_and_change_it_each_on_the_record(
    living: Living, http: AsyncClient, database: Database
) -> None:
    assert (await _press(living, "end", reason="moves away")).startswith("It ends at 20")
    assert "End with its period" not in await page(http, _here(living))
    assert await _press(living, "go_on") == "It goes on."
    assert "Let it go on" not in await page(http, _here(living))
    assert await _press(living, "plan", plan="premium") == "It is to premium from now on."
    assert "29.99 USD every month" in words(await page(http, _here(living)))
    again = await _press(living, "plan", plan="premium")
    assert again == "The subscription is to the plan 'premium' already: nothing was changed."
    assert await _press(living, "end_now") == "It has ended."
    assert "Change this subscription" not in await page(http, _here(living))
    assert "is canceled, and can't be changed any more" in await _press(living, "end_now")
    assert await _acts(database) == [
        ("subscription.cancel_at_period_end", "admin:ops", "moves away"),
        ("subscription.reactivate", "admin:ops", None),
        ("subscription.change_plan", "admin:ops", None),
        ("subscription.cancel_now", "admin:ops", None),
    ]
    lines = words(await page(http, f"/dashboard/sessions/{living.session_id}"))
    for line in (
        "Subscription to basic: to end with its period",
        "Subscription to basic: goes on after its period",
        "Subscription to premium: changed from basic",
        "Subscription to premium: canceled",
    ):
        assert line in lines, lines


async def test_its_page_says_why_it_is_not_active_and_what_another_plan_costs(
    living: Living, http: AsyncClient
) -> None:
    clock = living.lab.sandbox.clock
    await put_demo_prices(CLERK, clock.now())
    assert '<option value="premium">premium, 29.99 USD</option>' in await page(http, _here(living))
    await living.pay_with("pm_card_chargeCustomerFail")
    await living.pass_days(31)
    await sign_in(http)
    shown = words(await page(http, _here(living)))
    tried = moment((await living.row())["nextAttempt"])
    assert f"A renewal failed, and is tried again, the next time at {tried}" in shown
    assert "the next renewal is at" not in shown
    await living.pass_days(8)
    await sign_in(http)
    shown = await page(http, _here(living))
    assert "Canceled, since what was owed was not paid." in shown
    assert "payment failed" in words(shown)


async def test_what_was_ended_by_a_button_is_told_from_what_was_not_paid(
    living: Living, http: AsyncClient
) -> None:
    await _press(living, "end")
    assert "cancellation requested" in words(await page(http, _here(living)))
    await _press(living, "go_on")
    assert "cancellation requested" not in words(await page(http, _here(living)))
    await _press(living, "end_now")
    assert "Canceled, as was asked for." in await page(http, _here(living))


async def test_what_can_not_be_changed_is_said_and_nothing_is(
    living: Living, http: AsyncClient, database: Database
) -> None:
    here = _here(living)
    assert await _press(living, "burn") == "Nothing was changed: the form names no change."
    assert "for which stripe has no price" in await _press(living, "plan", plan="gold")
    assert "reason" in await _press(living, "end", reason="card 4242 4242 4242 4242")
    old = await press(http, here, f"{here}/change", change="end_now", token="of another")
    assert old.status_code == 403
    assert "This form was old, and nothing was done." in old.text
    nobodys = await said(http, here, f"{HERE}/sub_nobodys/change", change="end_now")
    assert nobodys == "There is no subscription 'sub_nobodys'."
    assert await _acts(database) == []
    assert (await living.row())["status"] == "active"


async def test_what_its_provider_can_not_take_back_is_not_offered(
    living: Living, http: AsyncClient, database: Database
) -> None:
    here, button = _here(living), "Let it go on"
    await _press(living, "end")
    assert button in await page(http, here)  # control: Stripe takes an end back
    rows = database["subscriptions"]
    await rows.update_many({}, {"$set": {"provider": "razorpay"}})
    shown = await page(http, here)
    assert button not in shown
    assert "End now" in shown
    await rows.update_many({}, {"$set": {"status": "paused"}})
    assert button in await page(http, here)  # who rests may go on


async def test_a_key_sees_and_does_here_what_it_may_by_the_routes(
    living: Living, http: AsyncClient, database: Database
) -> None:
    here = _here(living)
    await _as(living, AccessScope.TIMELINES_READ)
    for closed in (HERE, here):
        assert "Your key does not open this page" in await page(http, closed, 403)
    await _as(living, AccessScope.TIMELINES_READ, *controllers.READ)
    assert "Change this subscription" not in await page(http, here)
    refused = await press(http, here, f"{here}/change", change="end_now")
    assert refused.status_code == 403
    assert await _acts(database) == []
    await _as(living, AccessScope.TIMELINES_READ, *controllers.READ, *controllers.CHANGE)
    assert "Change this subscription" in await page(http, here)  # the control


async def test_nothing_of_another_merchant_is_found_or_changed(
    living: Living, http: AsyncClient, database: Database
) -> None:
    await database["subscriptions"].update_many({}, {"$set": {"merchantId": "another"}})
    here = _here(living)
    assert "There is no such subscription" in await page(http, here, 404)
    assert here not in await page(http, HERE)
    assert here not in await page(http, HERE, q=USER)
    told = await said(http, HERE, f"{here}/change", change="end_now")
    assert told == f"There is no subscription '{living.id}'."
    assert await _acts(database) == []


@pytest.mark.browser
async def test_the_pages_fit_whatever_stands_in_them(visitor: Visitor, database: Database) -> None:
    looks = [(360, "dark"), (360, "light"), (1280, "dark"), (1280, "light")]
    await signed_in(visitor, HERE)
    await look_at(visitor, {"subscriptions-empty": HERE}, looks[:1])
    living = await begun(visitor.lab, database, paid=False)
    await happen(
        await visitor.lab.checkout(living.checkout_id), Happening.PAID, visitor.lab.sandbox
    )
    await visitor.go(f"/dashboard/sessions/{living.session_id}")
    await visitor.page.wait_for_selector(
        "text=The subscription that it began", timeout=IN_TIME * 1000
    )
    await visitor.page.wait_for_selector(
        "text=Subscription to basic: active", timeout=IN_TIME * 1000
    )
    pages = {"subscriptions": HERE, "subscription": _here(living)}
    await visitor.go(_here(living))
    await visitor.page.click("#changing summary")
    await visitor.page.fill("#reason", "asked for by phone")
    await visitor.page.press("#reason", "Enter")  # presses no button
    await visitor.page.click("text=End with its period")
    await visitor.page.wait_for_selector('#said:has-text("It ends at")')
    assert await visitor.page.evaluate("document.activeElement.id") == "said"
    long = {"plan": EVIL * 3, "userId": "u" * 200, "latestInvoice": "in_" + "x" * 90}
    await database["subscriptions"].update_many({}, {"$set": long})
    await look_at(visitor, pages, looks)
