"""Migration 13: what merchants say about mail and alerts."""

from service.core.clock import ManualClock
from service.merchants.documents import Merchant
from service.migrations.operations import migrate
from service.migrations.steps import told
from service.storage.database import Database
from service.stored import DOCUMENTS
from tests.migrations.conftest import BY


async def test_a_merchant_of_before_is_told_nothing_new(old: Database, clock: ManualClock) -> None:
    await old["merchants"].insert_one({"_id": "shop", "name": "Shop", "zone": "Asia/Kolkata"})
    assert (await told.left(old))["merchants"] == 1
    await migrate(old, DOCUMENTS, clock, BY)
    assert not any((await told.left(old)).values())
    row = await old["merchants"].find_one({"_id": "shop"})
    assert row is not None
    assert (row["language"], row["mailRecipients"], row["alertsOff"]) == ("en", [], [])
    assert (row["name"], row["zone"]) == ("Shop", "Asia/Kolkata")


async def test_again_it_leaves_alone_what_was_said_since(old: Database, clock: ManualClock) -> None:
    await migrate(old, DOCUMENTS, clock, BY)
    said = {"language": "de", "mailRecipients": ["ops@shop.example"], "alertsOff": ["jobs_late"]}
    await old["merchants"].update_one({"_id": "default"}, {"$set": said})
    await migrate(old, DOCUMENTS, clock, BY, again=True)
    default = await Merchant.get("default")
    assert default is not None
    assert (default.language, default.mail_recipients) == ("de", ["ops@shop.example"])
