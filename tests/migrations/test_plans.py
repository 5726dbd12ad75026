"""Migration 16: what prices say about the providers' prices of plans."""

from service.catalog.documents import Price
from service.core.clock import ManualClock
from service.migrations.operations import migrate
from service.migrations.steps import plans
from service.storage.database import Database
from service.stored import DOCUMENTS
from tests.conftest import NOON
from tests.migrations.conftest import BY

PRICE = {"merchantId": "default", "item": "plan_of_before", "currency": "USD", "amount": 5}


async def test_a_price_of_before_names_no_provider_s_price(
    old: Database, clock: ManualClock
) -> None:
    await old["prices"].insert_one(PRICE | {"passId": None, "updatedAt": NOON})
    before = (await plans.left(old))["prices"]
    assert before == await old["prices"].count_documents({})
    await migrate(old, DOCUMENTS, clock, BY)
    assert not any((await plans.left(old)).values())
    row = await old["prices"].find_one({"item": "plan_of_before"})
    assert row is not None
    assert (row["interval"], row["intervalCount"], row["providerPrices"]) == (None, 1, {})
    assert (row["amount"], row["updatedAt"]) == (5, NOON)


async def test_again_it_leaves_alone_what_was_set_since(old: Database, clock: ManualClock) -> None:
    await migrate(old, DOCUMENTS, clock, BY)
    price = Price(
        merchant_id="default", item="gold_plan", currency="USD", amount=5, updated_at=NOON
    )
    price.interval_count, price.provider_prices = 3, {"stripe": "price_1"}
    await old["prices"].insert_one(price.to_row())
    await migrate(old, DOCUMENTS, clock, BY, again=True)
    row = await old["prices"].find_one({"item": "gold_plan"})
    assert row is not None
    assert (row["intervalCount"], row["providerPrices"]) == (3, {"stripe": "price_1"})
