"""Migration 12: the database's time of the last change, by which lists are swept."""

from service.core.clock import ManualClock
from service.migrations.operations import migrate
from service.migrations.steps import sweeps
from service.storage.database import Database
from service.stored import DOCUMENTS
from tests.migrations.conftest import BY

CHANGING = ("sessions", "payments", "refunds")


async def test_rows_of_before_have_the_time_of_their_process(
    old: Database, clock: ManualClock
) -> None:
    for name, index in (("sessions", "merchant_updatedAt"), ("payments", "live_updatedAt")):
        await old[name].create_index("updatedAt", name=index)
    left = await sweeps.left(old)
    assert left["indexes"] == 2
    assert left["sessions"] > 0
    await migrate(old, DOCUMENTS, clock, BY)
    assert not any((await sweeps.left(old)).values())
    for name in CHANGING:
        rows = await old[name].find({}).to_list()
        assert {row["writtenAt"].time for row in rows} == {
            int(row["updatedAt"].timestamp()) for row in rows
        }
        assert "merchant_writtenAt" in await old[name].index_information()


async def test_again_it_leaves_alone_what_has_one(old: Database, clock: ManualClock) -> None:
    await migrate(old, DOCUMENTS, clock, BY)
    row = await old["sessions"].find_one({})
    assert row is not None
    await old["sessions"].update_one(
        {"_id": row["_id"]}, {"$currentDate": {"writtenAt": {"$type": "timestamp"}}}
    )
    changed = await old["sessions"].find_one({"_id": row["_id"]})
    await migrate(old, DOCUMENTS, clock, BY, again=True)
    assert await old["sessions"].find_one({"_id": row["_id"]}) == changed
