"""What a plan costs, and by which price of a provider it is subscribed to: the catalog says so."""

from typing import Any

import pytest
from httpx import Response

from service.core.clock import ManualClock
from service.storage.database import Database
from tests.sandbox.lab import Lab
from tests.sessions.asking import CREATE_CHECKOUT, fields_of, put_price, token_of
from tests.subscriptions.at_razorpay import Subscribed
from tests.subscriptions.living import USER, Living, begun
from tests.support.api import ADMIN, PUBLISHABLE, SECRET
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening

GOLD = {"stripe": "price_sandbox_4999_usd_gold"}
GOLD_THERE = {"razorpay": "plan_sandbox_399900_inr_gold"}


async def _open(lab: Lab, key: str, **fields: Any) -> Response:
    body = {
        "userId": USER,
        "email": "ada@shop.example",
        "plan": "basic",
        "provider": "stripe",
        "currency": "USD",
        "mode": "subscription",
    } | fields
    headers = {"Idempotency-Key": "k" * 30} if key == PUBLISHABLE else {}
    return await lab.api.call("POST", CREATE_CHECKOUT, key, json=body, headers=headers)


async def _detail(lab: Lab, **fields: Any) -> str:
    """Open what can't be handed out; return why, and hold the checkout to be closed."""
    answer = await _open(lab, SECRET, **fields)
    assert (answer.status_code, answer.json()["error"]) == (502, "provider_failed"), answer.text
    detail: str = answer.json()["detail"]
    return detail


@pytest.mark.parametrize("who", ["browser", "user"])
async def test_browsers_and_users_subscribe_at_the_catalog_s_price(lab: Lab, who: str) -> None:
    clock = lab.sandbox.clock
    assert isinstance(clock, ManualClock)
    key = PUBLISHABLE if who == "browser" else token_of(USER, clock)
    unpriced = await _open(lab, key)
    assert (unpriced.status_code, unpriced.json()["error"]) == (400, "item_has_no_price")
    await put_price(lab.api, "basic", 999)
    wrong = await _open(lab, key, amount=1)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "amount_mismatch")
    opened = await _open(lab, key)
    assert (opened.status_code, opened.json()["amount"]) == (201, 999), opened.text


async def test_a_plan_of_the_catalog_is_opened_changed_to_and_named(
    lab: Lab, database: Database
) -> None:
    await put_price(lab.api, "gold", 4999, providerPrices=GOLD)
    living = await begun(lab, database, plan="gold", amount=None)
    await living.arrive()
    row = await living.row()
    assert (row["plan"], row["amount"], row["providerPlanId"]) == ("gold", 4999, GOLD["stripe"])
    down = await living.ask("change-plan", plan="basic")
    assert down.json()["subscription"]["plan"] == "basic", down.text
    up = await living.ask("change-plan", plan="gold")
    assert up.json()["subscription"]["plan"] == "gold", up.text


async def test_razorpay_s_plan_of_the_catalog_is_opened_changed_to_and_named(
    lab: Lab, database: Database
) -> None:
    await put_price(lab.api, "gold", 399900, "INR", providerPrices=GOLD_THERE)
    there: dict[str, Any] = {"provider": "razorpay", "currency": "INR"}
    opened = await _open(lab, SECRET, amount=79900, **there)
    assert opened.status_code == 201, opened.text
    subscribed = Subscribed(lab, database, opened.json())
    await happen(await lab.checkout(subscribed.id), Happening.PAID, lab.sandbox)
    await subscribed.arrive()
    changed = await subscribed.ask("change-plan", plan="gold")
    # What was sent along at the opening still says basic.
    assert changed.json()["subscription"]["plan"] == "gold", changed.text
    assert (await subscribed.row())["amount"] == 399900


async def test_a_change_at_the_provider_s_own_dashboard_is_named_by_the_catalog(
    lab: Lab, database: Database
) -> None:
    living = await begun(lab, database)
    await living.arrive()
    await _changed_there(living)
    assert (await living.row())["plan"] == "basic"  # the control: nobody else knows that price
    await put_price(lab.api, "gold", 4999, providerPrices=GOLD)
    await _changed_there(living)
    assert (await living.row())["plan"] == "gold"


async def _changed_there(living: Living) -> None:
    [item] = (await living.at_stripe("GET"))["items"]["data"]
    fields = {"items[0][id]": item["id"], "items[0][price]": GOLD["stripe"]}
    await living.at_stripe(**fields)
    await living.arrive()


async def test_a_provider_s_price_of_another_amount_or_period_is_not_handed_out(lab: Lab) -> None:
    await put_price(lab.api, "gold", 5000, providerPrices=GOLD)
    told = await _detail(lab, plan="gold")
    assert "over 4999 USD, 5000 USD was asked for" in told
    await put_price(lab.api, "gold", 4999, providerPrices=GOLD, interval="year")
    told = await _detail(lab, plan="gold", userId="user_2")
    assert "charged every 1 month, in the catalog it is every 1 year" in told
    there: dict[str, Any] = {"provider": "razorpay", "currency": "INR", "plan": "gold"}
    yearly: dict[str, Any] = {"interval": "month", "intervalCount": 3}
    await put_price(lab.api, "gold", 399900, "INR", providerPrices=GOLD_THERE, **yearly)
    told = await _detail(lab, userId="user_3", **there)
    assert "charged every 1 month, in the catalog it is every 3 month" in told
    await put_price(lab.api, "gold", 399900, "INR", providerPrices=GOLD_THERE, interval="month")
    assert (await _open(lab, SECRET, userId="user_4", **there)).status_code == 201  # the control


async def test_a_plan_without_a_price_at_its_provider_says_where_to_name_one(lab: Lab) -> None:
    assert "name one in the catalog (providerPrices)" in await _detail(lab, plan="gold", amount=1)
    told = await _detail(lab, plan="gold", amount=1, provider="razorpay", currency="INR")
    assert "name one in the catalog (providerPrices)" in told


async def test_a_trial_is_refused_where_the_provider_is_opened_without_one(lab: Lab) -> None:
    await put_price(lab.api, "basic", 79900, "INR", trialDays=7)
    told = await _detail(lab, provider="razorpay", currency="INR")
    assert "opened without a trial" in told


async def test_the_catalog_shows_what_it_has_of_providers_and_refuses_those_without_plans(
    lab: Lab, database: Database
) -> None:
    more: dict[str, Any] = {"interval": "month", "providerPrices": GOLD | GOLD_THERE}
    await put_price(lab.api, "gold", 4999, **more)
    answer = await lab.api.call("GET", "/api/admin/prices", ADMIN)
    [shown] = answer.json()["prices"]
    assert {name: shown[name] for name in more} == more
    assert shown["intervalCount"] == 1
    [act] = await database["audit_log"].find({"action": "price.set"}).to_list()
    assert act["detail"]["providerPrices"] == more["providerPrices"]
    for wrong in ({"phonepe": "x"}, {"paypal": "x"}, {"stripe": ""}, {"stripe": "a\nb"}):
        body = {"currency": "USD", "amount": 1, "providerPrices": wrong}
        refused = await lab.api.call("PUT", "/api/admin/prices/gold", ADMIN, json=body)
        assert refused.status_code == 400, wrong
        assert any(field.startswith("providerPrices") for field in fields_of(refused)), refused.text


async def test_a_providers_price_is_of_one_plan_in_whatever_currency(lab: Lab) -> None:
    await put_price(lab.api, "gold", 4999, providerPrices=GOLD)
    await put_price(lab.api, "gold", 4599, "EUR", providerPrices=GOLD)
    body = {"currency": "USD", "amount": 999, "providerPrices": GOLD}
    refused = await lab.api.call("PUT", "/api/admin/prices/basic", ADMIN, json=body)
    assert refused.status_code == 400, refused.text
    assert "is the price of 'gold' already" in refused.json()["detail"]
    answer = await lab.api.call("DELETE", "/api/admin/prices/gold?currency=USD", ADMIN)
    assert answer.status_code == 204, answer.text
    answer = await lab.api.call("DELETE", "/api/admin/prices/gold?currency=EUR", ADMIN)
    assert answer.status_code == 204, answer.text
    await put_price(lab.api, "basic", 999, providerPrices=GOLD)
