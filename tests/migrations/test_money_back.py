"""Migration 9: payments of before have sums of refunds and disputes, and what is yet to post."""

from service.core.clock import ManualClock
from service.migrations.operations import migrate
from service.migrations.steps import money_back
from service.payments.payments.documents import Payment
from service.storage.database import Database
from service.stored import DOCUMENTS
from tests.migrations.conftest import BY


async def test_payments_of_before_have_all_that_a_new_one_has(
    old: Database, clock: ManualClock
) -> None:
    before = await old["payments"].count_documents({})
    assert (await money_back.left(old))["payments"] == before > 0
    await migrate(old, DOCUMENTS, clock, BY)
    assert (await money_back.left(old))["payments"] == 0
    for row in await old["payments"].find({}).to_list():
        assert Payment.model_validate(row).to_row() == row
        assert (row["refunded"], row["excess"], row["reserved"], row["held"]) == (0, 0, 0, 0)
        assert row["unposted"] is (row["status"] in {"succeeded", "refunded", "reversed"})


async def test_a_second_run_changes_nothing(old: Database, clock: ManualClock) -> None:
    await migrate(old, DOCUMENTS, clock, BY)
    payments = old["payments"]
    await payments.update_many({}, {"$set": {"refunded": 7}})
    await migrate(old, DOCUMENTS, clock, BY, again=True)
    assert await payments.count_documents({"refunded": {"$ne": 7}}) == 0
