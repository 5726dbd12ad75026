"""A plan is changed at the price that the catalog shows, or not at all."""

from typing import Any

import pytest
from httpx import Response

from service.payments.subscriptions.sending import change
from service.storage.database import Database
from tests.sandbox.lab import Lab
from tests.sessions.asking import put_price
from tests.subscriptions.at_razorpay import paid_there
from tests.subscriptions.living import Living, begun

GOLD = {"stripe": "price_sandbox_4999_usd_gold"}


async def _asked(lab: Lab, living: Living, amount: int, **fields: Any) -> Response:
    """Set the catalog's price of gold, and ask to be changed to it."""
    await put_price(lab.api, "gold", amount, **{"providerPrices": GOLD, **fields})
    return await living.ask("change-plan", plan="gold")


async def _active(lab: Lab, database: Database) -> Living:
    living = await begun(lab, database)
    await living.arrive()
    return living


async def test_a_plan_is_changed_at_no_price_but_the_catalogs(lab: Lab, database: Database) -> None:
    living = await _active(lab, database)
    for wrong, told in (
        ({"amount": 1}, "is 4999 USD, in the catalog it is 1 USD"),
        ({"amount": 4999, "interval": "year"}, "every 1 month, in the catalog it is every 1 year"),
        ({"amount": 4999, "interval": "month", "intervalCount": 3}, "it is every 3 month"),
    ):
        answer = await _asked(lab, living, **wrong)
        assert (answer.status_code, answer.json()["error"]) == (502, "provider_failed"), answer.text
        assert told in answer.json()["detail"]
    row = await living.row()
    assert (row["plan"], row["amount"], row["changing"]) == ("basic", 999, None)
    assert await database["audit_log"].count_documents({"action": "subscription.change_plan"}) == 0
    held = await _asked(lab, living, 4999, interval="month")
    assert held.json()["subscription"]["plan"] == "gold", held.text


async def test_a_price_in_another_currency_and_one_that_is_not_there_change_nothing(
    lab: Lab, database: Database
) -> None:
    living = await _active(lab, database)
    euros = await _asked(lab, living, 4999, providerPrices={"stripe": "price_sandbox_4999_eur_x"})
    assert (euros.status_code, euros.json()["error"]) == (400, "currency_mismatch"), euros.text
    nothing = await _asked(lab, living, 4999, providerPrices={"stripe": "price_of_nobody"})
    assert (nothing.status_code, nothing.json()["error"]) == (502, "provider_failed"), nothing.text
    assert (await living.row())["plan"] == "basic"


async def test_control_unchecked_it_is_charged_at_whatever_the_provider_has(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unchecked(*_: Any) -> None:
        return None

    monkeypatch.setattr(change, "check_price", unchecked)
    living = await _active(lab, database)
    assert (await _asked(lab, living, 1)).status_code == 200
    assert (await living.row())["amount"] == 4999


async def test_at_razorpay_too_a_plan_is_changed_at_no_price_but_the_catalogs(
    lab: Lab, database: Database
) -> None:
    subscribed = await paid_there(lab, database)
    there = {"razorpay": "plan_sandbox_399900_inr_gold"}
    for amount, interval in ((1, None), (399900, "year")):
        fields = {"interval": interval} if interval else {}
        await put_price(lab.api, "gold", amount, "INR", providerPrices=there, **fields)
        answer = await subscribed.ask("change-plan", plan="gold")
        assert (answer.status_code, answer.json()["error"]) == (502, "provider_failed"), answer.text
    assert (await subscribed.row())["plan"] == "basic"
    await put_price(lab.api, "gold", 399900, "INR", providerPrices=there)
    held = await subscribed.ask("change-plan", plan="gold")
    assert held.json()["subscription"]["plan"] == "gold", held.text
