"""Migration 18: no merchant of before is mailed about leads."""

from service.core.clock import ManualClock
from service.migrations.operations import migrate
from service.migrations.steps import digests
from service.storage.database import Database
from service.stored import DOCUMENTS
from tests.migrations.conftest import BY


async def test_a_merchant_of_before_gets_no_digests_and_keeps_what_it_sets_since(
    old: Database, clock: ManualClock
) -> None:
    await migrate(old, DOCUMENTS, clock, BY)
    assert not any((await digests.left(old)).values())
    merchants = await old["merchants"].find({}).to_list()
    assert merchants
    assert {row["leadDigest"] for row in merchants} == {False}
    await old["merchants"].update_many({}, {"$set": {"leadDigest": True}})
    await migrate(old, DOCUMENTS, clock, BY, again=True)
    assert await old["merchants"].count_documents({"leadDigest": True}) == len(merchants)
