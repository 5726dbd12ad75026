"""Migration 19: no event or delivery of before is to be counted anew."""

from service.core.clock import ManualClock
from service.migrations.operations import migrate
from service.migrations.steps import recounts
from service.storage.database import Database
from service.stored import DOCUMENTS
from tests.migrations.conftest import BY


async def test_events_of_before_are_not_counted_anew_and_keep_what_is_said_since(
    old: Database, clock: ManualClock
) -> None:
    assert (await recounts.left(old))["webhook_events"] > 0
    await migrate(old, DOCUMENTS, clock, BY)
    assert not any((await recounts.left(old)).values())
    events = await old["webhook_events"].find({}).to_list()
    assert {row["recount"] for row in events} == {False}
    await old["webhook_events"].update_many({}, {"$set": {"recount": True}})
    await migrate(old, DOCUMENTS, clock, BY, again=True)
    assert await old["webhook_events"].count_documents({"recount": True}) == len(events)
